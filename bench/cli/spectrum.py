"""`saddlebench spectrum`: the spectrum of the step actually taken, beside theory's radius."""

from enum import StrEnum
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import FormatOption, examples, option
from saddlebench.bench.cli.options import assignments
from saddlebench.bench.cli.output import Format, starting
from saddlebench.errors import InputError

_EXAMPLES = examples(
    "saddlebench spectrum --game bilinear --optimizer extragradient --sweep optimizer.step_size=0.1,0.5,1",
    "saddlebench spectrum --game quadratic --optimizer consensus --eigenvalues --format csv",
    "saddlebench spectrum --game gaussian-ring --optimizer extragradient --at checkpoint --steps 1000 --seed 1",
)


class At(StrEnum):
    """Where the step map is linearised."""

    equilibrium = "equilibrium"
    checkpoint = "checkpoint"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("spectrum", epilog=_EXAMPLES)(spectrum)


def spectrum(
    game: Annotated[list[str], option("--game", text="As for `run` (repeatable).", metavar="G")],
    optimizer: Annotated[list[str], option("--optimizer", text="As for `run` (repeatable).", metavar="O")],
    set_: Annotated[list[str] | None, option("--set", text="optimizer.NAME=VALUE or game.NAME=VALUE.", metavar="P=V")] = None,
    sweep: Annotated[list[str] | None, option("--sweep", text="The same with several values: a row each.", metavar="P=V,V")] = None,
    at: Annotated[At, typer.Option(help="At the game's equilibrium, or after --steps steps from its start.")] = At.equilibrium,
    steps: Annotated[int | None, option("--steps", text="With --at checkpoint; default: the game's.", min=1, metavar="N")] = None,
    seed: Annotated[int, typer.Option(help="Of the start, and of a game drawn by seed.", min=0, metavar="S")] = 0,
    eigenvalues: Annotated[bool, typer.Option("--eigenvalues", help="A row an eigenvalue.")] = False,
    form: FormatOption = Format.table,
) -> None:
    """Spectral radii of the step, without the game's null directions (radius) and with them (raw_radius), beside the closed form.

    A radius below 1 converges locally, above 1 diverges; where there is none, the table says why.
    """
    given = assignments(set_ or (), sweep or ())
    if any(one.owner == "settings" for one in given):
        raise InputError("spectrum has no settings: --set takes game.NAME or optimizer.NAME")
    if at is At.equilibrium and steps is not None:
        raise InputError("--steps goes with --at checkpoint")
    with starting():
        from saddlebench.bench.cli.linearising import report

    raise typer.Exit(report(game, optimizer, given, steps, seed, at is At.checkpoint, eigenvalues, form))
