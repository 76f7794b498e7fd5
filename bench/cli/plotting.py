"""`saddlebench plot`: figures, a sub-command a kind."""

import typer

from saddlebench.bench.cli.plots import convergence, phase, spectrum

KINDS = (convergence, phase, spectrum)


def register(app: typer.Typer) -> None:
    """Add the command with all its kinds."""
    plots = typer.Typer(no_args_is_help=True, help="Draw a figure, and print its path.", rich_markup_mode="rich")
    for kind in KINDS:
        kind.register(plots)
    app.add_typer(plots, name="plot")
