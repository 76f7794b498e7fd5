"""`saddlebench plot phase`: the phase portrait of a game of two numbers, with trajectories of optimizers."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.options import assignments
from saddlebench.bench.cli.output import say, starting
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, draw
from saddlebench.errors import InputError

_EXAMPLES = examples(
    "saddlebench plot phase --game dirac-gan --optimizer alternating-gradient --optimizer consensus -o dirac.svg",
    "saddlebench plot phase --game forsaken --optimizer extragradient --start 1,0 --start 0.1,0.45 --steps 500 -o forsaken.pdf",
    "saddlebench plot phase --game forsaken --set game.box=false --optimizer simultaneous-gradient --start 1,0",
)


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("phase", epilog=_EXAMPLES)(phase)


def phase(
    path: Annotated[str | None, argument("A directory for figures/, if no -o is given.")] = None,
    game: Annotated[str, option("--game", text="A game of two players with one number each.", metavar="G")] = "",
    optimizer: Annotated[list[str] | None, option("--optimizer", text="Whose trajectories (repeatable).", metavar="O")] = None,
    set_: Annotated[list[str] | None, option("--set", text="optimizer.NAME=VALUE or game.NAME=VALUE.", metavar="P=V")] = None,
    start: Annotated[
        list[str] | None, option("--start", text="Of each (repeatable); else those of seeds 0, 1, 2.", metavar="X,Y")
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of each trajectory.", min=1, metavar="N")] = 300,
    window: Annotated[str | None, option("--window", text="What is shown; else what they fill.", metavar="X,X,Y,Y")] = None,
    out: OutOption = None,
) -> None:
    """The flow w' = −v on a grid, trajectories, the equilibrium and what kind of fixed point it is."""
    check_out(out)
    if not game:
        raise InputError("--game is missing: of which game?")
    given = assignments(set_ or (), ())
    starts = [_numbers("--start", text, 2) for text in start or ()]
    shown = None if window is None else _numbers("--window", window, 4)
    with starting():
        from saddlebench.bench.cli.portraying import portrait_of
        from saddlebench.results.figures.phase_portrait import phase_portrait

        drawn, left_out = portrait_of(game, optimizer or [], given, starts, steps, shown)
    for reason in left_out:
        say(f"left out: {reason}")
    folder = find_results(path) / "figures" if path else Path.cwd()
    draw(out, folder / f"phase-{drawn.game}.svg", lambda file: phase_portrait(drawn, file))


def _numbers(name: str, text: str, count: int) -> tuple[float, ...]:
    values: list[float] = []
    with suppress(ValueError):
        values = [float(part) for part in text.split(",")]
    if len(values) != count or not all(abs(v) < float("inf") for v in values):
        raise InputError(f"{name} {text}: write {count} numbers, {','.join(['1', '0', '-1', '1'][:count])}")
    if count == 4 and not (values[0] < values[1] and values[2] < values[3]):
        raise InputError(f"{name} {text}: left,right,bottom,top, each pair rising")
    return tuple(values)
