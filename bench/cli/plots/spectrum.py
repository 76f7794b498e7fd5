"""`saddlebench plot spectrum`: eigenvalues in the complex plane."""

from typing import Annotated

import typer

from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_known, check_out, draw
from saddlebench.bench.cli.spectrum import Of

_EXAMPLES = examples(
    "saddlebench run --game forsaken --optimizer extragradient --seeds 1 --spectrum equilibrium --spectrum 0 --spectrum final "
    "--out there",
    "saddlebench plot spectrum there --game forsaken",
    "saddlebench plot spectrum there --game forsaken --of game -o jacobian.pdf",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("spectrum", epilog=_EXAMPLES)(spectrum)


def spectrum(
    path: Annotated[str, argument("A directory of results that were run with --spectrum, or its name.")],
    game: Annotated[str, option("--game", text="The game whose spectra are drawn.", metavar="G")],
    optimizer: Annotated[list[str] | None, option("--optimizer", text="Only this optimizer (repeatable).", metavar="O")] = None,
    of: Annotated[Of, typer.Option(help="Of the optimizer's step, or of the game: its Jacobian ∂v/∂w.")] = Of.step,
    out: OutOption = None,
) -> None:
    """Eigenvalues in the complex plane, a panel an optimizer: at the equilibrium, and at checkpoints, the later the darker.

    Beside them the unit circle, within which a step draws in; of the game the imaginary axis, right of which the flow does.
    """
    check_out(out)
    from saddlebench.results.store import read

    folder = find_results(path)
    tables = read(folder, ("runs", "spectrum"))
    check_known("game", [game], set(tables.runs["game"]))
    check_known("optimizer", optimizer or [], set(tables.runs["optimizer"]))
    from saddlebench.results.figures.spectrum_plane import spectrum_plane

    otherwise = folder / "figures" / f"spectrum-{game}{'-jacobian' if of is Of.game else ''}.svg"
    draw(out, otherwise, lambda file: spectrum_plane(tables, file, game, tuple(optimizer or ()), of.value))
