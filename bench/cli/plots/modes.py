"""`saddlebench plot modes`: mode coverage over steps, a strip a seed."""

from typing import Annotated

import typer

from saddlebench.bench.cli.choosing import FilterOption, GameFilter, OptimizerFilter, choose, filters_of
from saddlebench.bench.cli.forms import argument, examples
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, draw

_EXAMPLES = examples(
    "saddlebench plot modes ring",
    "saddlebench plot modes quick --game gaussian-ring -o modes.png",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("modes", epilog=_EXAMPLES)(modes)


def modes(
    path: Annotated[str, argument("A directory of results, or its name.")],
    measure: Annotated[str, typer.Option(help="A measure of the trace that counts.", metavar="M")] = "modes_covered",
    game: GameFilter = None,
    optimizer: OptimizerFilter = None,
    filters: FilterOption = None,
    out: OutOption = None,
) -> None:
    """How many modes of a mixture are covered over steps: a strip a seed, a panel an optimizer."""
    check_out(out)
    folder = find_results(path)
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.figures.mode_strips import mode_strips
    from saddlebench.results.selecting import names_of

    runs, trace = choose(folder, filters_of(game, optimizer, filters), lambda _: [measure])
    assert trace is not None, "measures were asked for"
    names = names_of(runs, "optimizer", catalogue_defaults())
    draw(out, folder / "figures" / f"modes-{measure}.svg", lambda file: mode_strips(runs, trace, names, file, measure))
