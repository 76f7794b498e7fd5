"""`saddlebench nightly`: run the frozen suite on this commit and compare it with the last good night."""

from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import examples, option
from saddlebench.bench.cli.output import starting
from saddlebench.bench.cli.places import results_root

_EXAMPLES = examples(
    "saddlebench nightly",
    "saddlebench nightly --dir /srv/nights --device cuda --asv",
    "saddlebench nightly --accept                 the last night's change was meant",
)
_DIR_HELP = "Where nights are kept. Default: nights/ beside other results."
_SUITE_HELP = "Suite to run besides golden: a name or a TOML file."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("nightly", epilog=_EXAMPLES)(nightly)


def nightly(
    folder: Annotated[Path | None, option("--dir", text=_DIR_HELP, metavar="DIR")] = None,
    suite: Annotated[str, typer.Option(help=_SUITE_HELP, metavar="S")] = "nightly",
    device: Annotated[str, typer.Option(help="Of the float32 games; analytic games are stepped on the CPU.")] = "auto",
    asv: Annotated[bool, typer.Option("--asv", help="Then run asv on this commit and publish its pages (in a checkout).")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Run nothing: the findings of the last night are meant.")] = False,
) -> None:
    """Run the suites golden and nightly, compare with the golden table and with the last good night, and write a report.

    Every night has a directory of its own in DIR, with results, findings.md and report.html; nights.json lists them. A night with
    findings is not what later nights are compared with, until --accept. A pool that took longer is timed a second time before it
    counts. Exit code 1: something became worse.
    """
    where = (folder or results_root() / "nights").expanduser().absolute()
    with starting():
        from saddlebench.bench.cli.nights import accept_last, night

    raise typer.Exit(accept_last(where) if accept else night(where, suite, device, asv))
