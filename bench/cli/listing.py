"""`saddlebench list`: what the catalogues and the suites hold, read from their sources; nothing is imported."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from saddlebench.bench.cli.forms import FormatOption, argument, examples
from saddlebench.bench.cli.output import Format, Row, emit, print_table, say
from saddlebench.catalogue import Catalogue, Entry
from saddlebench.errors import InputError, unknown

_EXAMPLES = examples(
    "saddlebench list games",
    "saddlebench list optimizers extragradient",
    "saddlebench list optimizers --format csv > optimizers.csv",
)


class Kind(StrEnum):
    """What can be listed."""

    games = "games"
    optimizers = "optimizers"
    rules = "rules"
    suites = "suites"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list", epilog=_EXAMPLES)(list_)


def list_(
    kind: Annotated[Kind, argument("What to list.")],
    name: Annotated[str | None, argument("One entry: its parameters, with defaults and meaning.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """List games, optimizers, rules or suites: parameters, defaults, papers, costs."""
    if kind is Kind.suites:
        _list_suites(name, form)
    elif name is None:
        _list_entries(kind, form)
    else:
        _list_parameters(kind, name, form)


def catalogue_of(kind: Kind) -> Catalogue:
    """The catalogue behind a kind."""
    from saddlebench.games import GAMES
    from saddlebench.optimizers import OPTIMIZERS

    if kind is Kind.rules:
        from saddlebench.optimizers.rules import RULES

        return RULES
    return GAMES if kind is Kind.games else OPTIMIZERS


def _list_entries(kind: Kind, form: Format) -> None:
    catalogue = catalogue_of(kind)
    rows: list[Row] = [_entry_row(entry, form) for entry in catalogue.entries.values()]
    rows += [{"name": name, "summary": f"from the plug-in {point.value}"} for name, point in catalogue.plugins.items()]
    columns = ["name", "summary", "parameters", "paper", "cost"]
    if not any(row.get("cost") for row in rows):
        columns.remove("cost")
    print_table(rows, columns, form)
    if form is Format.table:
        say(f"{len(rows)} {kind}; parameters of one: saddlebench list {kind} NAME")


def _entry_row(entry: Entry, form: Format) -> dict[str, Any]:
    parameters: Any = [{"name": p.name, "type": p.type, "default": p.default, "meaning": p.meaning} for p in entry.parameters]
    if form is Format.csv:
        parameters = "; ".join(f"{p.name}={p.default}" for p in entry.parameters)
    if form is Format.table:
        parameters = ", ".join(p.name for p in entry.parameters)
    return {"name": entry.name, "summary": entry.summary, "parameters": parameters, "paper": entry.paper, "cost": entry.cost}


def _list_parameters(kind: Kind, name: str, form: Format) -> None:
    catalogue = catalogue_of(kind)
    if name in catalogue.plugins:
        raise InputError(f"{name} is a plug-in ({catalogue.plugins[name].value}): its package documents its parameters")
    if name not in catalogue.entries:
        raise unknown(catalogue.kind, name, catalogue)
    entry = catalogue.entries[name]
    rows = [{"parameter": p.name, "default": p.default, "type": p.type, "meaning": p.meaning} for p in entry.parameters]
    facts = "  ".join(filter(None, (entry.paper, entry.cost and f"{entry.cost} a step", f"{entry.module}:{entry.qualname}")))
    if form is Format.table:
        say(f"{entry.name}: {entry.summary}\n{facts}")
        if not rows:
            say("no parameters")
            return
    print_table(rows, ["parameter", "default", "type", "meaning"], form)


def _list_suites(name: str | None, form: Format) -> None:
    from saddlebench.bench.suites.load import find, shipped

    if name is not None:
        emit(find(name).path.read_text(encoding="utf-8").rstrip("\n"))
        return
    rows: list[Row] = [{"name": s.name, "description": s.description, "path": str(s.path)} for s in shipped()]
    print_table(rows, ["name", "description"] if form is Format.table else ["name", "description", "path"], form)
    if form is Format.table:
        say("the file of one: saddlebench list suites NAME; run it: saddlebench run NAME")
