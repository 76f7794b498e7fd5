"""`saddlebench table`: tables of papers, by rows and columns of one's choice."""

from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.choosing import FilterOption, choose, judging
from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.output import emit
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.table_choices import Statistic, TableFormat
from saddlebench.errors import InputError

_EXAMPLES = examples(
    "saddlebench table quick                                          median final distance, optimizers by games",
    "saddlebench table quick --statistic success --target 1e-3 --interval",
    "saddlebench table quick --measure cost_to --statistic ert --filter game=bilinear,quadratic",
    "saddlebench table quick --measure modes_covered --filter game=gaussian-ring --statistic mean -o modes.tex",
    "saddlebench table sweep --rows optimizer.step_size --columns optimizer.momentum --measure spectral_radius",
    "saddlebench table quick --statistic rank --filter 'game!=gaussian-ring' --columns all --interval",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("table", epilog=_EXAMPLES)(table)


def table(
    path: Annotated[str, argument("A directory of results, or its name.")],
    rows: Annotated[
        str, typer.Option(help="What sets rows apart: a column of runs, game.P or optimizer.P (a parameter), all.", metavar="NAME")
    ] = "optimizer",
    columns: Annotated[str, typer.Option(help="What sets columns apart, likewise.", metavar="NAME")] = "game",
    measure: Annotated[
        str | None,
        option(
            "--measure",
            text="cost_to, steps_to (a target), any number of runs (final_distance, measured_rate, spectral_radius, seconds, …), a "
            "measure of the game at the end (modes_covered) or at its best (best_fd_lenet). Else cost_to of success and ert, or "
            "final_distance.",
            metavar="M",
        ),
    ] = None,
    statistic: Annotated[Statistic, typer.Option(help="Of the runs that share a row and a column.")] = Statistic.median,
    filters: FilterOption = None,
    track: Annotated[str | None, option("--track", text="Only this track: defaults or tuned.", metavar="T")] = None,
    target: Annotated[
        float | None,
        option(
            "--target",
            text="Level of cost_to, steps_to (of the start for distance and gap); else the hardest pinned.",
            metavar="L",
        ),
    ] = None,
    interval: Annotated[bool, typer.Option("--interval", help="95 % intervals: Wilson's of success, else bootstrap.")] = False,
    form: Annotated[
        TableFormat | None, option("--format", text="Else by the suffix of -o (md, csv, tex, html); else for a terminal.")
    ] = None,
    out: Annotated[Path | None, option("--out", "-o", text="Write into this file.", metavar="FILE")] = None,
) -> None:
    """A table of a measure over runs: a statistic, rows, columns and filters of your choice.

    A run that diverged or missed its target counts as infinite. Where nothing applies a dash stands, with its reason below. The
    best is bold only where its interval lies beyond all others'. Of a cell that was run in several contexts the newest counts.
    """
    if out is not None and form is None and out.suffix not in (".md", ".csv", ".tex", ".html", ".txt"):
        raise InputError(f"--out {out}: the name must end in .md, .csv, .tex, .html or .txt, or say --format")
    from saddlebench.bench.cli import table_formats
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.tables import tabulate

    folder = find_results(path)
    wanted = [*(filters or ()), *([f"track={track}"] if track else [])]
    to_target = measure in ("cost_to", "steps_to") or (measure is None and statistic in ("success", "ert"))
    runs, trace = choose(folder, wanted, judging if to_target else None)
    shown = tabulate(runs, trace, rows, columns, measure or "", statistic.value, catalogue_defaults(), target)
    kind = form or (table_formats.SUFFIXES[out.suffix] if out is not None else TableFormat.table)
    if out is not None:
        file = out.expanduser().absolute()
        table_formats.write(file, table_formats.table_text(shown, kind, interval))
        emit(str(file))
    elif kind is TableFormat.table:
        table_formats.print_plain(shown, interval)
    else:
        emit(table_formats.table_text(shown, kind, interval))
