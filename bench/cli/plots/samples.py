"""`saddlebench plot samples`: pictures of samples, a row an optimizer."""

from typing import Annotated

import typer

from saddlebench.bench.cli.choosing import FilterOption, GameFilter, OptimizerFilter, choose, filters_of, title_of
from saddlebench.bench.cli.forms import argument, examples
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, draw

_EXAMPLES = examples(
    "saddlebench plot samples ring",
    "saddlebench plot samples mnist-mlp --most 2 -o samples.png",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("samples", epilog=_EXAMPLES)(samples)


def samples(
    path: Annotated[str, argument("A directory of results, or its name.")],
    most: Annotated[int, typer.Option(help="Pictures in a row, those of the lowest seeds.", min=1, metavar="N")] = 4,
    game: GameFilter = None,
    optimizer: OptimizerFilter = None,
    filters: FilterOption = None,
    out: OutOption = None,
) -> None:
    """The pictures that runs have left in DIR/samples, a row an optimizer, a column a seed."""
    check_out(out)
    folder = find_results(path)
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.figures.montage import montage
    from saddlebench.results.selecting import names_of

    runs, _ = choose(folder, filters_of(game, optimizer, filters))
    names = names_of(runs, "optimizer", catalogue_defaults())
    draw(out, folder / "figures" / "samples.png", lambda file: montage(runs, names, folder, file, most, title_of(runs)))
