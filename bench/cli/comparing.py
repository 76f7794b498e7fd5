"""`saddlebench compare`: has anything become worse between two sets of results?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddlebench.bench.cli.defaults import catalogue_defaults
from saddlebench.bench.cli.families import game_families
from saddlebench.bench.cli.forms import FormatOption, argument, examples, option
from saddlebench.bench.cli.output import Format, Row, counted, print_table, say
from saddlebench.bench.cli.places import find_results
from saddlebench.errors import InputError

if TYPE_CHECKING:
    from saddlebench.results.regression.comparison import Comparison
    from saddlebench.results.store import Tables

GOLDEN = "golden"
_EXAMPLES = examples(
    "saddlebench compare results/runs/monday results/runs/tuesday",
    "saddlebench compare --store results/runs/quick --commits 1a2b3c 4d5e6f",
    "saddlebench run golden && saddlebench compare golden results/runs/golden",
    "saddlebench compare golden results/runs/golden --update-golden",
    "saddlebench compare results/runs/monday results/runs/tuesday --power",
)
_COLUMNS = ("finding", "optimizer", "games", "cells", "ratio", "low", "high", "p", "adjusted", "detail")
_BASELINE_HELP = "A directory of results or its name; golden: the committed golden table."
_UPDATE_HELP = "Show how the golden table would change, ask, and write it from NEW (with baseline golden)."
_POWER_HELP = "Simulate nights of these results: which slow-downs would be found?"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare", epilog=_EXAMPLES)(compare)


def compare(
    baseline: Annotated[str | None, argument(_BASELINE_HELP)] = None,
    new: Annotated[str | None, argument("The results to judge: a directory or its name.")] = None,
    store: Annotated[Path | None, option("--store", text="One directory that holds both commits.", metavar="DIR")] = None,
    commits: Annotated[
        tuple[str, str] | None, option("--commits", text="Baseline and new commit in --store, by first characters.", metavar="A B")
    ] = None,
    power: Annotated[bool, typer.Option("--power", help=_POWER_HELP)] = False,
    nights: Annotated[int, typer.Option(help="How many nights --power simulates for each slow-down.", min=10)] = 200,
    update_golden: Annotated[bool, typer.Option("--update-golden", help=_UPDATE_HELP)] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    form: FormatOption = Format.table,
) -> None:
    """Compare results with earlier ones of the same cells; exit code 1 where something became worse.

    Records are compared first, value by value; only cells that moved beyond rounding go to statistics. A finding by itself is a
    lost cell, an error, a value that is no number any more, another feature extractor, a changed golden value.

    Tested per optimizer and family of games, with the false-discovery rate at 1 %: cost to the targets, lost successes, and the
    time a step of runs that ran alone on the same machine. ratio is new over baseline, low and high its 95 % interval.
    """
    if store is not None or commits is not None:
        if store is None or commits is None or baseline is not None:
            raise InputError("--store DIR goes with --commits A B, and without BASELINE and NEW")
        from saddlebench.results.regression.comparison import of_commit

        both = _results(str(store))
        old, now = of_commit(both, commits[0]), of_commit(both, commits[1])
    elif baseline == GOLDEN:
        if new is None or power:
            raise InputError("compare golden NEW: name the results to judge" if new is None else "--power takes no golden")
        raise typer.Exit(_update(_results(new), yes) if update_golden else _against_golden(_results(new), form))
    elif baseline is None or (new is None and not power):
        raise InputError("name BASELINE and NEW, or --store DIR --commits A B")
    else:
        old, now = _results(baseline), None if new is None else _results(new)
    if update_golden:
        raise InputError("--update-golden goes with the baseline golden: saddlebench compare golden NEW --update-golden")
    if power:
        from saddlebench.bench.cli.power import show_power

        show_power([old] if now is None else [old, now], nights, form)
        return
    assert now is not None
    raise typer.Exit(report(judged(old, now), form))


def judged(old: "Tables", now: "Tables") -> "Comparison":
    """The comparison with the catalogues' families and defaults, and with the golden table where there is one."""
    from saddlebench.results.regression.comparison import compare as between
    from saddlebench.results.regression.golden import FILE, read_golden

    return between(old, now, game_families(), catalogue_defaults(), read_golden() if FILE.is_file() else None)


def report(found: "Comparison", form: Format = Format.table) -> int:
    """Print the findings and what else to know; return the exit code."""
    rows = rows_of(found)
    if rows or form is not Format.table:
        columns = _COLUMNS if form is not Format.table else [c for c in _COLUMNS if any(row.get(c) is not None for row in rows)]
        print_table(rows, list(columns), form)
    for note in found.notes:
        say(note)
    tests = counted(len(found.pools), "test")
    say(f"{found.joined} cells in both, {found.moved} moved, {tests}, {counted(len(rows), 'finding')}")
    return 1 if found.regressed else 0


def rows_of(found: "Comparison") -> list[Row]:
    """A row a finding."""
    faults: list[Row] = [
        {"finding": fault.kind, "optimizer": fault.optimizer, "games": fault.game, "cells": fault.cells, "detail": fault.detail}
        for fault in found.faults
    ]
    return faults + [
        {
            **{"finding": pool.kind, "optimizer": pool.optimizer, "games": pool.family, "cells": pool.pairs, "detail": pool.detail},
            **{"ratio": pool.ratio, "low": pool.low, "high": pool.high, "p": pool.p, "adjusted": pool.adjusted},
        }
        for pool in found.worse
    ]


def _results(path: str) -> "Tables":
    from saddlebench.results.store import read

    found = read(find_results(path), ("runs", "trace", "machines"))
    if found.runs.empty:
        raise InputError(f"{find_results(path)} holds no finished runs yet")
    return found


def _against_golden(now: "Tables", form: Format) -> int:
    from saddlebench.results.regression.comparison import Comparison, one_of_each
    from saddlebench.results.regression.golden import golden_faults, read_golden

    golden, new = read_golden(), one_of_each(now)
    there = set(golden["cell"]) & set(new.runs["cell"])
    if not there:
        raise InputError("none of the golden cells is in these results: saddlebench run golden")
    found = golden_faults(golden, new, whole=True)
    return report(Comparison(found, [], len(there), sum(fault.cells for fault in found)), form)


def _update(now: "Tables", yes: bool) -> int:
    """Show the differences, ask, write."""
    from saddlebench.results.regression.comparison import one_of_each
    from saddlebench.results.regression.golden import FILE, changes, golden_rows, read_golden, write_golden

    suite: Any = now.runs["suite"] == GOLDEN
    if not suite.any():
        raise InputError("these are no results of the suite golden: saddlebench run golden")
    rows: Any = golden_rows(one_of_each(now, lambda runs: runs["suite"] == GOLDEN))
    difference = changes(read_golden(), rows) if FILE.is_file() else changes(rows.iloc[:0], rows)
    if difference.empty:
        say(f"{FILE} is up to date: {counted(len(rows), 'value')} of {counted(rows['cell'].nunique(), 'cell')}")
        return 0
    _print_changes(difference)
    if not yes and not typer.confirm(f"write {FILE}?", err=True):
        say("nothing was written")
        return 1
    write_golden(rows, FILE)
    say(f"wrote {FILE}: {counted(len(rows), 'value')} of {counted(rows['cell'].nunique(), 'cell')}")
    return 0


def _print_changes(difference: Any) -> None:
    from saddlebench.results.regression.golden import told

    rows = [
        {
            "change": change,
            "optimizer": optimizer,
            "game": game,
            "cells": part["cell"].nunique(),
            "values": len(part),
            "first": told(part),
        }
        for (change, optimizer, game), part in difference.groupby(["change", "optimizer", "game"], sort=True)
    ]
    print_table(rows, ["change", "optimizer", "game", "cells", "values", "first"], Format.table)
