"""Rock-paper-scissors."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from saddlebench.games.game import Profile
from saddlebench.games.payoffs import FixedPayoffGame


@dataclass(frozen=True)
class RockPaperScissors(FixedPayoffGame):
    """Row x minimises xᵀMy, column y maximises it, M = −[[0, −1, 1], [1, 0, −1], [−1, 1, 0]]; equilibrium uniform, value 0.

    ``form="simplex"``: strategies are probabilities; ``form="softmax"``: logits, unconstrained (`games.payoffs`). The measure
    ``divergence`` is KL(x*‖x) + KL(y*‖y) in nats from the uniform x*, y*: multiplicative weights increase it at every step
    (Bailey & Piliouras 2018).
    """

    name = "rock-paper-scissors"
    paper = "classic"

    form: Literal["simplex", "softmax"] = "simplex"  # probabilities, or logits

    @property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """Rock, paper, scissors against rock, paper, scissors."""
        return (0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Any) -> dict[str, Tensor]:
        """−Σ over both players of log 3 + mean log p."""
        logs = torch.stack([x.log().mean(-1) for x in self.strategies(profile)])
        return {"divergence": -(logs + math.log(3)).sum(0)}
