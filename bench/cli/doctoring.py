"""`saddlebench doctor`: is everything in order?"""

from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import FormatOption, argument, examples
from saddlebench.bench.cli.output import Format, print_table, say, starting
from saddlebench.bench.cli.places import find_results, results_root

_EXAMPLES = examples("saddlebench doctor", "saddlebench doctor results/runs/night", "saddlebench doctor --format json")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog=_EXAMPLES)(doctor)


def doctor(
    results: Annotated[str | None, argument("A directory of results to look into as well.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Check installation, GPU, data, weights and where results go: a line a check, and what to do about it.

    What is missing is needed by some only; the exit code is 1 where something is broken.
    """
    folder: Path | None = None if results is None else find_results(results)
    with starting():
        from saddlebench.bench.doctor import examine
    found = list(examine(results_root(), folder))
    rows = [{"check": f.check, "state": f.state, "found": f.found, "advice": f.advice or None} for f in found]
    print_table(rows, ["check", "state", "found", "advice"], form)
    failed = sum(f.state == "failed" for f in found)
    if form is Format.table:
        say(f"{failed} of {len(found)} checks failed" if failed else f"{len(found)} checks, nothing is broken")
    raise typer.Exit(bool(failed))
