"""Nesterov's accelerated gradient."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saddlebench.optimizers.rules.rule import Rule
from saddlebench.parameters import Momentum, cast, pick


@dataclass(frozen=True)
class Nesterov(Rule):
    """m⁺ = β m + g, d = g + β m⁺.

    The profile is the extrapolated point u = w + β(w − w₋) of w⁺ = u − ηv(u), the only one at which gradients are asked, so
    that a step stays one gradient at the profile; both sequences have the same spectrum.
    """

    name = "nesterov"
    paper = "Nesterov 1983"

    momentum: Momentum = 0.9  # β

    def init(self, i: int, w: Tensor) -> Tensor:
        """The velocity m, zero."""
        return torch.zeros_like(w)

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """The gradient and a look ahead along the next velocity."""
        beta = cast(pick(self.momentum, i), gradient)
        velocity = beta * state + gradient
        return gradient + beta * velocity, velocity
