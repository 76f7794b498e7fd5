"""`saddlebench plot profile`: performance profiles against a pinned optimizer."""

from typing import Annotated

import typer

from saddlebench.bench.cli.choosing import FilterOption, GameFilter, OptimizerFilter, choose, filters_of, judging, title_of
from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, draw

_EXAMPLES = examples(
    "saddlebench plot profile quick --reference extragradient",
    "saddlebench plot profile quick --game bilinear --reference extragradient -o profile.pdf",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("profile", epilog=_EXAMPLES)(profile)


def profile(
    path: Annotated[str, argument("A directory of results, or its name.")],
    reference: Annotated[str, option("--reference", text="The optimizer whose cost is 1.", metavar="O")],
    game: GameFilter = None,
    optimizer: OptimizerFilter = None,
    filters: FilterOption = None,
    out: OutOption = None,
) -> None:
    """The share of problems solved within a factor of a reference's cost: Dolan and Moré's profiles with a pinned optimizer.

    A problem is a target of a game and seed. One that the reference does not solve counts at every factor for those who do.
    """
    check_out(out)
    folder = find_results(path)
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.figures.attainment import cost_by_problem, profile_figure

    runs, trace = choose(folder, filters_of(game, optimizer, filters), judging)
    costs = cost_by_problem(runs, trace, catalogue_defaults())
    draw(out, folder / "figures" / f"profile-{reference}.svg", lambda file: profile_figure(costs, file, reference, title_of(runs)))
