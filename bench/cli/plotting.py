"""`saddlebench plot`: figures, a sub-command a kind."""

import typer

from saddlebench.bench.cli.forms import examples
from saddlebench.bench.cli.plots import (
    convergence,
    ecdf,
    intervals,
    modes,
    pareto,
    phase,
    profile,
    samples,
    spectrum,
    truncation,
)

KINDS = (convergence, ecdf, profile, intervals, pareto, modes, samples, truncation, phase, spectrum)
_EXAMPLES = examples(
    "saddlebench plot convergence quick --game bilinear",
    "saddlebench plot phase --game forsaken --optimizer extragradient --start 1,0 --start 0.1,0.45 -o forsaken.svg",
    "saddlebench plot spectrum quick --game bilinear -o bilinear.svg",
)


def register(app: typer.Typer) -> None:
    """Add the command with all its kinds."""
    plots = typer.Typer(no_args_is_help=True, help="Draw a figure, and print its path.", rich_markup_mode="rich", epilog=_EXAMPLES)
    for kind in KINDS:
        kind.register(plots)
    app.add_typer(plots, name="plot")
