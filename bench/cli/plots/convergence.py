"""`saddlebench plot convergence`: a measure over cost."""

from enum import StrEnum
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_known, check_out, draw

_EXAMPLES = examples(
    "saddlebench plot convergence quick --game bilinear",
    "saddlebench plot convergence quick --game gaussian-ring --measure modes_covered --over steps --out ring.pdf",
)


class Over(StrEnum):
    """The horizontal axis."""

    cost = "cost"
    gradients = "gradients"
    seconds = "seconds"
    steps = "steps"


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("convergence", epilog=_EXAMPLES)(convergence)


def convergence(
    path: Annotated[str, argument("A directory of results, or its name.")],
    game: Annotated[str, option("--game", text="The game whose runs are drawn.", metavar="G")],
    optimizer: Annotated[list[str] | None, option("--optimizer", text="Only this optimizer (repeatable).", metavar="O")] = None,
    measure: Annotated[str, typer.Option(help="A measure of the trace.", metavar="M")] = "distance",
    over: Annotated[Over, typer.Option(help="The horizontal axis; seconds are those of runs that ran alone.")] = Over.cost,
    out: OutOption = None,
) -> None:
    """A measure over cost (or gradients, seconds, steps), the median and the middle half over seeds; prints the figure's path."""
    check_out(out)
    from saddlebench.results.store import read

    folder = find_results(path)
    tables = read(folder, ("runs", "trace"), trace={"measure": [measure], "answer": ["last"]})
    check_known("game", [game], set(tables.runs["game"]))
    check_known("optimizer", optimizer or [], set(tables.runs["optimizer"]))
    if tables.trace.empty:
        check_known("measure", [measure], set(read(folder, ("trace",)).trace["measure"]))
    from saddlebench.results.figures import convergence as figure

    otherwise = folder / "figures" / f"convergence-{game}-{measure}{'' if over is Over.cost else f'-{over}'}.svg"
    draw(out, otherwise, lambda file: figure.convergence(tables, file, game, measure, tuple(optimizer or ()), over.value))
