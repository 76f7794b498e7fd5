"""`saddlebench plot truncation`: truncation curves."""

from typing import Annotated

import typer

from saddlebench.bench.cli.choosing import FilterOption, GameFilter, OptimizerFilter, choose, filters_of, title_of
from saddlebench.bench.cli.forms import argument, examples
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, draw

_EXAMPLES = examples(
    "saddlebench plot truncation biggan",
    "saddlebench plot truncation biggan --x inception_score --y fid -o truncation.pdf",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("truncation", epilog=_EXAMPLES)(truncation)


def truncation(
    path: Annotated[str, argument("A directory of results, or its name.")],
    x: Annotated[str, typer.Option("--x", help="A measure that is there as NAME@THRESHOLD.", metavar="M")] = "inception_score",
    y: Annotated[str, typer.Option("--y", help="Another, at the same thresholds.", metavar="M")] = "fid",
    game: GameFilter = None,
    optimizer: OptimizerFilter = None,
    filters: FilterOption = None,
    out: OutOption = None,
) -> None:
    """One measure against another over truncation thresholds, from measures named NAME@THRESHOLD; a line an optimizer."""
    check_out(out)
    folder = find_results(path)
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.figures.truncation import truncation_figure
    from saddlebench.results.measured import own_measures
    from saddlebench.results.selecting import names_of

    runs, _ = choose(folder, filters_of(game, optimizer, filters))
    known = own_measures(runs)
    names = names_of(runs, "optimizer", catalogue_defaults())
    otherwise = folder / "figures" / f"truncation-{y}-{x}.svg"
    draw(out, otherwise, lambda file: truncation_figure(runs, known, names, file, x, y, title_of(runs)))
