"""Steps to a tolerance."""

import math
from typing import Any

from .cases import NAMES, pair

_STEPS = 1000
_TOLERANCE = 1e-3


class Convergence:
    """How fast every optimizer converges, at its defaults, from one start."""

    params = (NAMES, ["quadratic", "bilinear"])
    param_names = ("optimizer", "game")

    def setup(self, optimizer: str, game: str) -> None:
        """Leave out what does not apply."""
        pair(optimizer, game)

    def track_steps_to_tolerance(self, optimizer: str, game: str) -> float:
        """The first of 1,000 steps after which the distance is 10⁻³ of the start's; nan: none."""
        from saddlebench.bench.api import run

        trace: Any = run(game, optimizer, seeds=[0], steps=_STEPS, checkpoints=list(range(0, _STEPS + 1, 5))).trace
        curve = trace[(trace["answer"] == "last") & (trace["measure"] == "distance")].set_index("step")["value"]
        reached = curve.index[curve <= _TOLERANCE * curve.iloc[0]]
        return float(reached[0]) if len(reached) else math.nan

    track_steps_to_tolerance.unit = "steps"  # type: ignore[attr-defined] - where asv looks for it
