"""The cases of the benchmarks: names from the catalogues, read without torch, and how a pair is made."""

from typing import Any

from saddlebench.optimizers import OPTIMIZERS

NAMES = list(OPTIMIZERS)


def pair(optimizer: str, game: str) -> tuple[Any, Any]:
    """The game and the optimizer.

    Raises:
        NotImplementedError: the optimizer does not apply to the game, which is how asv is told to leave a case out.
    """
    from saddlebench.bench.build import build

    made = build("game", game), build("optimizer", optimizer)
    reason = made[1].applies_to(made[0])
    if reason is not None:
        raise NotImplementedError(reason)
    return made
