"""Heavy-ball momentum."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saddlebench.optimizers.rules.rule import Rule
from saddlebench.parameters import Momentum as MomentumValue
from saddlebench.parameters import cast, pick


@dataclass(frozen=True)
class Momentum(Rule):
    """m⁺ = β m + g, d = m⁺: with a constant step size this is Polyak's w⁺ = w − ηg + β(w − w₋).

    Polyak, USSR Comput. Math. Math. Phys. 1964. β < 0 is negative momentum (Gidel et al., AISTATS 2019).
    """

    name = "momentum"
    paper = "Polyak 1964"

    momentum: MomentumValue = 0.9  # β

    def init(self, i: int, w: Tensor) -> Tensor:
        """The velocity m, zero."""
        return torch.zeros_like(w)

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """The next velocity."""
        velocity = cast(pick(self.momentum, i), gradient) * state + gradient
        return velocity, velocity
