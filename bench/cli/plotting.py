"""`saddlebench plot`: figures from a directory of results."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.output import emit
from saddlebench.bench.cli.places import find_results
from saddlebench.errors import InputError, unknown

_SUFFIXES = (".svg", ".pdf", ".png")
_EXAMPLES = examples(
    "saddlebench plot convergence quick --game bilinear",
    "saddlebench plot convergence quick --game gaussian-ring --measure modes_covered --out ring.pdf",
)


class Kind(StrEnum):
    """The figures there are."""

    convergence = "convergence"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plot", epilog=_EXAMPLES)(plot)


def plot(
    kind: Annotated[Kind, argument("convergence: a measure over cost, the median and the middle half over seeds.")],
    path: Annotated[str, argument("A directory of results, or its name.")],
    game: Annotated[str, option("--game", text="The game whose runs are drawn.", metavar="G")],
    optimizer: Annotated[list[str] | None, option("--optimizer", text="Only this optimizer (repeatable).", metavar="O")] = None,
    measure: Annotated[str, typer.Option(help="A measure of the trace.", metavar="M")] = "distance",
    out: Annotated[Path | None, option("--out", "-o", text="An svg, pdf or png file; else PATH/figures.", metavar="FILE")] = None,
) -> None:
    """Draw a figure from results, and print its path."""
    if out is not None and out.suffix not in _SUFFIXES:
        raise InputError(f"--out {out}: the name must end in {', '.join(_SUFFIXES)}")
    from saddlebench.results.store import read

    folder = find_results(path)
    tables = read(folder, ("runs", "trace"))
    for column, asked in (("game", [game]), ("optimizer", optimizer or [])):
        known = set(tables.runs[column])
        for name in asked:
            if name not in known:
                raise unknown(f"{column} in these results:", name, known)
    measures = set(tables.trace["measure"])
    if measure not in measures:
        raise unknown("measure in these results:", measure, measures)
    from saddlebench.results.figures.convergence import convergence

    file = out.expanduser().absolute() if out else folder / "figures" / f"{kind}-{game}-{measure}.svg"
    try:
        drawn = convergence(tables, file, game, measure, tuple(optimizer or ()))
    except OSError as error:
        raise InputError(f"cannot write the figure {file} ({error.strerror or error})") from error
    emit(str(drawn))
