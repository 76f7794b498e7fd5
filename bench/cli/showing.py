"""`saddlebench show`: the summary of a directory of results, or the directories there are."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddlebench.bench.cli.forms import PaperFormatOption, argument, examples, option
from saddlebench.bench.cli.output import PaperFormat, Row, counted, print_table, say
from saddlebench.bench.cli.places import find_results, results_root
from saddlebench.errors import InputError, unknown

if TYPE_CHECKING:
    import pandas as pd

_EXAMPLES = examples(
    "saddlebench show quick",
    "saddlebench show results/runs/night --game bilinear --format latex",
    "saddlebench show                            the directories there are",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show", epilog=_EXAMPLES)(show)


def show(
    path: Annotated[str | None, argument("A directory of results, or its name. Left out: the directories there are.")] = None,
    form: PaperFormatOption = PaperFormat.table,
    game: Annotated[list[str] | None, option("--game", text="Only this game (repeatable).", metavar="G")] = None,
    optimizer: Annotated[list[str] | None, option("--optimizer", text="Only this optimizer (repeatable).", metavar="O")] = None,
) -> None:
    """Summarise results over seeds: a row per game, optimizer and their parameters.

    Statuses are counted, numbers are medians; a diverged run counts as infinitely far from the equilibrium.
    """
    if path is None:
        _show_directories(form)
        return
    from saddlebench.results.store import read
    from saddlebench.results.summary import newest

    folder = find_results(path)
    runs = read(folder, ("runs",)).runs
    if runs.empty:
        raise InputError(f"{folder} holds no finished runs yet")
    runs = only(runs, "optimizer", optimizer, only(runs, "game", game, runs))
    if runs.empty:
        raise InputError(f"{folder} holds no runs of these games with these optimizers")
    shown = newest(runs)
    print_summary(shown, form)
    if form is PaperFormat.table:
        if len(shown) < len(runs):
            say(f"not shown: {counted(len(runs) - len(shown), 'older result')} of the same cells, from other commits or machines")
        say_failures(shown, shlex.quote(path))


def only(runs: "pd.DataFrame", column: str, names: list[str] | None, kept: Any) -> Any:
    """``kept``, of it those runs whose ``column`` is one of ``names``, if any are named.

    Raises:
        InputError: a name is in no run.
    """
    for name in names or ():
        if name not in set(runs[column]):
            raise unknown(f"{column} in these results:", name, set(runs[column]))
    return kept[kept[column].isin(names)] if names else kept


def print_summary(runs: "pd.DataFrame", form: PaperFormat = PaperFormat.table) -> None:
    """Print the summary of runs, each cell once."""
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.summary import shown_columns, summarise

    summary = summarise(runs, catalogue_defaults())
    if form is PaperFormat.table and sys.stdout.isatty():
        for game in summary["game"].unique():  # a table a game: each has measures of its own, and a terminal is narrow
            part: Any = summary[(summary["game"] == game) & (summary["steps"].notna())]
            if len(part):
                shared = [c for c in ("n", "steps") if part[c].nunique() == 1]
                columns = [c for c in shown_columns(part) if c not in ("game", *shared)]
                print_table(_rows(part), columns, form, lead=", ".join([game, *(_fact(c, part[c].iloc[0]) for c in shared)]))
                print()
        return
    whole = form in (PaperFormat.csv, PaperFormat.json)
    print_table(_rows(summary), list(summary.columns) if whole else shown_columns(summary), form)


def _fact(column: str, value: float) -> str:
    """``n = 10``, ``3000 steps``: what all rows of a table share stands above it."""
    return f"{value:.0f} steps" if column == "steps" else f"n = {value:.0f}"


def _rows(summary: "pd.DataFrame") -> list[Row]:
    return [dict(zip(summary.columns, values, strict=True)) for values in summary.itertuples(index=False)]


def say_failures(runs: "pd.DataFrame", folder: str) -> None:
    """A line for every kind of error and timeout, for runs that converged to no solution, for what does not apply, and for steps
    that were not made as was asked.

    Args:
        runs: each cell once.
        folder: as `show` takes it.
    """
    table: Any = runs
    failed = table[table["status"].isin(["error", "timeout"])]
    for (status, name, reason), part in failed.groupby(["status", "optimizer", "reason"], sort=False, dropna=False):
        games = ", ".join(dict.fromkeys(part["game"]))
        say(f"{status}: {name} on {games} ({counted(len(part), 'cell')}){f': {reason}' if isinstance(reason, str) else ''}")
    deceived = table[(table["status"] == "converged") & table["reason"].notna()]
    for (game, reason), part in deceived.groupby(["game", "reason"], sort=False):
        say(f"{', '.join(dict.fromkeys(part['optimizer']))} on {game} ({counted(len(part), 'cell')}): {reason}")
    refused = table[table["status"] == "not_applicable"]
    without = table[(table["status"] != "not_applicable") & table["spectrum_reason"].notna()]
    for game, part in refused.groupby("game", sort=False):
        say(f"not applicable to {game}: {_names(part, 'reason')}")
    if len(without):
        say(f"no spectrum: {_names(without, 'spectrum_reason')}")
    lower = table[table["tier_reason"].notna() & ~table["tier_reason"].str.startswith("auto:").fillna(False)]
    for (tier, name, reason), part in lower.groupby(["tier", "optimizer", "tier_reason"], sort=False):
        say(f"{tier}, not as asked: {name} on {', '.join(dict.fromkeys(part['game']))} ({counted(len(part), 'cell')}): {reason}")
    if refused.groupby("game")["reason"].nunique().gt(1).any() or without["spectrum_reason"].nunique() > 1:
        say(f"reasons: saddlebench show {folder} --format csv")


def _names(part: Any, column: str) -> str:
    """The optimizers, and the reason where it is one."""
    names = ", ".join(dict.fromkeys(part["optimizer"]))
    return f"{names}: {part[column].iloc[0]}" if part[column].nunique() == 1 else names


def _show_directories(form: PaperFormat) -> None:
    from saddlebench.results.store import read

    root = results_root()
    rows = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        try:
            runs = read(folder, ("runs",)).runs
        except InputError:  # not a directory of results
            continue
        last = None if runs.empty else f"{runs['started_at'].max():%Y-%m-%d %H:%M} UTC"
        rows.append({"name": folder.name, "cells": len(runs), "latest": last, "path": str(folder)})
    if form is PaperFormat.table and not rows:
        say(f"no results in {root} yet: saddlebench run quick")
        return
    print_table(rows, ["name", "cells", "latest"] if form is PaperFormat.table else ["name", "cells", "latest", "path"], form)
    if form is PaperFormat.table:
        say(f"in {root}; one of them: saddlebench show NAME")
