"""`saddlebench plot intervals`: a statistic with its interval, a point a row."""

from typing import Annotated

import typer

from saddlebench.bench.cli.choosing import FilterOption, GameFilter, OptimizerFilter, choose, filters_of, judging
from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, draw
from saddlebench.bench.cli.table_choices import Statistic

_EXAMPLES = examples(
    "saddlebench plot intervals quick --game bilinear",
    "saddlebench plot intervals quick --statistic rank --columns all -o ranks.pdf",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("intervals", epilog=_EXAMPLES)(intervals)


def intervals(
    path: Annotated[str, argument("A directory of results, or its name.")],
    measure: Annotated[str | None, option("--measure", text="As saddlebench table takes it.", metavar="M")] = None,
    statistic: Annotated[Statistic, typer.Option(help="Of the runs that share a row.")] = Statistic.iqm,
    rows: Annotated[str, typer.Option(help="What sets points apart.", metavar="NAME")] = "optimizer",
    columns: Annotated[str, typer.Option(help="What sets panels apart.", metavar="NAME")] = "game",
    game: GameFilter = None,
    optimizer: OptimizerFilter = None,
    filters: FilterOption = None,
    out: OutOption = None,
) -> None:
    """Interquartile means, ranks, medians, success rates or average runtimes with 95 % intervals, best at the top."""
    check_out(out)
    folder = find_results(path)
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.figures.intervals import interval_figure
    from saddlebench.results.tables import tabulate

    to_target = measure in ("cost_to", "steps_to") or (measure is None and statistic in ("success", "ert"))
    runs, trace = choose(folder, filters_of(game, optimizer, filters), judging if to_target else None)
    shown = tabulate(runs, trace, rows, columns, measure or "", statistic.value, catalogue_defaults())
    draw(out, folder / "figures" / f"intervals-{statistic}-{shown.measure}.svg", lambda file: interval_figure(shown, file))
