"""`saddlebench new` and `saddlebench check`: an optimizer or a game of one's own, from template to contract."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import FormatOption, argument, examples
from saddlebench.bench.cli.output import Format, emit, say, starting


class Kind(StrEnum):
    """What there is a template of."""

    optimizer = "optimizer"
    game = "game"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("new", epilog=examples("saddlebench new optimizer my-method", "saddlebench new game my-game --folder ~/games"))(new)
    app.command("check", epilog=examples("saddlebench check ./my_method.py:MyMethod", "saddlebench check extragradient"))(check)


def new(
    kind: Annotated[Kind, argument("What to write.")],
    name: Annotated[str, argument("Its name in tables, in kebab-case: my-method.", metavar="NAME")],
    folder: Annotated[Path, typer.Option(help="Where to write it.", metavar="DIR")] = Path("."),
) -> None:
    """Write a commented template of an optimizer or a game that keeps its contract as it stands."""
    from saddlebench.bench.templates import write_template

    path = write_template(kind.value, name, folder.expanduser())
    shown = path if path.is_absolute() else f"./{path}"
    spec = f"{shown}:{''.join(part.capitalize() for part in name.split('-'))}"
    emit(str(path.absolute()))
    pair = f"--game bilinear --optimizer {spec}" if kind is Kind.optimizer else f"--game {spec} --optimizer '*'"
    say(f"next: saddlebench check {spec}\n      saddlebench run {pair}")


def check(
    spec: Annotated[str, argument("./file.py:Class, or the name of a game or an optimizer.", metavar="PATH:NAME")],
    form: FormatOption = Format.table,
) -> None:
    """Check the contract of an optimizer or a game: derivatives, independent runs, spectra, solutions.

    Exit code 1: a check failed.
    """
    with starting():
        from saddlebench.bench.cli.checking import report

    raise typer.Exit(report(spec, form))
