"""`saddlebench report`: results as one page for a browser, without a network."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from saddlebench._version import __version__
from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.output import emit, say
from saddlebench.bench.cli.places import find_results
from saddlebench.errors import InputError

_EXAMPLES = examples(
    "saddlebench report quick",
    "saddlebench report results/runs/night -o night.html --title 'Night of 3 May'",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", epilog=_EXAMPLES)(report)


def report(
    path: Annotated[str, argument("A directory of results, or its name.")],
    out: Annotated[Path | None, option("--out", "-o", text="The page; else PATH/report.html.", metavar="FILE")] = None,
    title: Annotated[str | None, option("--title", text="Its title; else the directory's name.", metavar="TEXT")] = None,
) -> None:
    """Write a page with leaderboards, curves, spectra, samples, failures and the machine; prints its path.

    The page is one file that opens in any browser and loads nothing from anywhere.
    """
    if out is not None and out.suffix not in (".html", ".htm"):
        raise InputError(f"--out {out}: the name must end in .html")
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.games.data.files import replacing
    from saddlebench.results.report.content import content
    from saddlebench.results.report.page import page
    from saddlebench.results.store import read

    folder = find_results(path)
    tables = read(folder)
    if tables.runs.empty:
        raise InputError(f"{folder} holds no finished runs yet")
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    values = content(tables, folder, title or folder.name, catalogue_defaults(), now, __version__)
    text = page(values).encode()
    file = out.expanduser().absolute() if out else folder / "report.html"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as opened:
            opened.write(text)
    except OSError as error:
        raise InputError(f"cannot write the page {file} ({error.strerror or error})") from error
    for note in values["notes"]:
        say(f"note: {note}")
    emit(str(file))
