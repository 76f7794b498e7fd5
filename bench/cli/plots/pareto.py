"""`saddlebench plot pareto`: a measure against seconds, with the Pareto front."""

from typing import Annotated

import typer

from saddlebench.bench.cli.choosing import FilterOption, GameFilter, OptimizerFilter, choose, filters_of, judging, title_of
from saddlebench.bench.cli.forms import argument, examples
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, draw

_EXAMPLES = examples(
    "saddlebench run --game gaussian-ring --optimizer adam --optimizer extragradient --seeds 3 --timing --out timed",
    "saddlebench plot pareto timed --measure modes_covered",
    "saddlebench plot pareto cifar --measure fid -o fid.pdf",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("pareto", epilog=_EXAMPLES)(pareto)


def pareto(
    path: Annotated[str, argument("A directory of results, or its name.")],
    measure: Annotated[str, typer.Option(help="As saddlebench table takes it; fid, fd_lenet, …", metavar="M")] = "final_distance",
    game: GameFilter = None,
    optimizer: OptimizerFilter = None,
    filters: FilterOption = None,
    out: OutOption = None,
) -> None:
    """A measure at the end against seconds of stepping, medians and middle halves, with the Pareto front.

    Seconds are those of runs that ran alone (saddlebench run --timing).
    """
    check_out(out)
    folder = find_results(path)
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.figures.pareto import pareto_figure
    from saddlebench.results.measured import measured
    from saddlebench.results.selecting import names_of

    runs, trace = choose(folder, filters_of(game, optimizer, filters), judging if measure in ("cost_to", "steps_to") else None)
    found = measured(runs, measure, trace, catalogue_defaults())
    names = names_of(runs, "optimizer", catalogue_defaults())
    draw(out, folder / "figures" / f"pareto-{measure}.svg", lambda file: pareto_figure(runs, found, names, file, title_of(runs)))
