"""`saddlebench plot ecdf`: the share of targets reached over cost."""

from typing import Annotated

import typer

from saddlebench.bench.cli.choosing import FilterOption, GameFilter, OptimizerFilter, choose, filters_of, judging, title_of
from saddlebench.bench.cli.forms import argument, examples
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, draw

_EXAMPLES = examples(
    "saddlebench plot ecdf quick",
    "saddlebench plot ecdf quick --game bilinear --game quadratic --optimizer adam --optimizer extragradient -o ecdf.pdf",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("ecdf", epilog=_EXAMPLES)(ecdf)


def ecdf(
    path: Annotated[str, argument("A directory of results, or its name.")],
    game: GameFilter = None,
    optimizer: OptimizerFilter = None,
    filters: FilterOption = None,
    out: OutOption = None,
) -> None:
    """The share of (run, target) pairs reached at no more than a cost, a line an optimizer.

    Targets are the pinned levels of each game (saddlebench targets). What is not reached, or does not apply, counts as a miss.
    """
    check_out(out)
    folder = find_results(path)
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.figures.attainment import cost_by_problem, ecdf_figure

    runs, trace = choose(folder, filters_of(game, optimizer, filters), judging)
    costs = cost_by_problem(runs, trace, catalogue_defaults())
    draw(out, folder / "figures" / "ecdf.svg", lambda file: ecdf_figure(costs, file, title_of(runs)))
