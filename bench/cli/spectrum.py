"""`saddlebench spectrum`: the spectrum of the step actually taken, beside theory's radius and the measured rate; or of the game."""

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
    "saddlebench spectrum --game forsaken --game four-player --of game",
)


class Of(StrEnum):
    """What is linearised."""

    step = "step"
    game = "game"


class At(StrEnum):
    """Where it is linearised."""

    equilibrium = "equilibrium"
    checkpoint = "checkpoint"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("spectrum", epilog=_EXAMPLES)(spectrum)


def spectrum(
    game: Annotated[list[str], option("--game", text="As for `run` (repeatable).", metavar="G")],
    optimizer: Annotated[list[str] | None, option("--optimizer", text="As for `run` (repeatable).", metavar="O")] = None,
    set_: Annotated[list[str] | None, option("--set", text="optimizer.NAME=VALUE or game.NAME=VALUE.", metavar="P=V")] = None,
    sweep: Annotated[list[str] | None, option("--sweep", text="The same with several values: a row each.", metavar="P=V,V")] = None,
    of: Annotated[Of, typer.Option(help="Of the optimizer's step, or of the game: its Jacobian ∂v/∂w.")] = Of.step,
    at: Annotated[At, typer.Option(help="At the game's equilibrium, or after --steps steps from its start.")] = At.equilibrium,
    steps: Annotated[int | None, option("--steps", text="With --at checkpoint; default: the game's.", min=1, metavar="N")] = None,
    seed: Annotated[int, typer.Option(help="Of the start, and of a game drawn by seed.", min=0, metavar="S")] = 0,
    eigenvalues: Annotated[bool, typer.Option("--eigenvalues", help="A row an eigenvalue.")] = False,
    rate: Annotated[bool, typer.Option("--rate/--no-rate", help="Measure the rate of trajectories near the equilibrium.")] = True,
    form: FormatOption = Format.table,
) -> None:
    """Spectral radii of the step, without the game's null directions (radius) and with them (raw_radius), beside the closed form.

    A radius below 1 converges locally, above 1 diverges; where there is none, the table says why. The rate is that of trajectories
    from next to the equilibrium: `agreement` says whether closed form, radius and rate (to its tolerance) are one number. All are
    per application of the step map: `period` steps.

    --of game: the eigenvalues of the game's own Jacobian, each eigenvector's mass by player, the share of the joint gradient
    along it, and for two players with one number each the kind of fixed point. At a checkpoint it takes an optimizer too.
    """
    given = assignments(set_ or (), sweep or ())
    if any(one.owner == "settings" for one in given):
        raise InputError("spectrum has no settings: --set takes game.NAME or optimizer.NAME")
    if at is At.equilibrium and steps is not None:
        raise InputError("--steps goes with --at checkpoint")
    if not optimizer and (of is Of.step or at is At.checkpoint):
        raise InputError(f"--optimizer is missing: {'whose step?' if of is Of.step else 'who plays to the checkpoint?'}")
    with starting():
        from saddlebench.bench.cli.linearising import Asked, report, report_of_game

    asked = Asked(game, optimizer or [], given, steps, seed, at is At.checkpoint, eigenvalues, rate, form)
    raise typer.Exit(report(asked) if of is Of.step else report_of_game(asked))
