"""What `saddlebench plot phase` does once its options are read."""

from collections.abc import Sequence

from saddlebench.bench.build import build_all
from saddlebench.bench.cells import cross
from saddlebench.bench.cli.defaults import name_with_parameters
from saddlebench.bench.cli.options import Assignment, specs
from saddlebench.bench.portrait import portrait, require_plane
from saddlebench.bench.settings import Settings
from saddlebench.errors import InputError
from saddlebench.results.figures.phase_portrait import Portrait


def portrait_of(
    game: str,
    optimizers: Sequence[str],
    given: Sequence[Assignment],
    starts: Sequence[tuple[float, ...]],
    steps: int,
    window: tuple[float, ...] | None,
) -> tuple[Portrait, list[str]]:
    """The portrait, and why some of the optimizers are left out of it.

    Raises:
        InputError: several games, a game of other sizes, or no optimizer that applies.
    """
    games = build_all("game", specs("game", [game], given))
    if len(games) != 1:
        raise InputError(f"--game {game}: a phase portrait is of one game")
    require_plane(games[0])
    left_out, playing = [], []
    if optimizers:
        every = build_all("optimizer", specs("optimizer", optimizers, given))
        for cell in cross(games, every, [0], Settings()):
            if cell.pairing.not_applicable:
                left_out.append(cell.pairing.not_applicable)
            else:
                playing.append((name_with_parameters("optimizer", cell.pairing.identity), cell.pairing.optimizer))
        if not playing:
            raise InputError("; ".join(left_out))
    return portrait(games[0], playing, starts, steps, window), left_out
