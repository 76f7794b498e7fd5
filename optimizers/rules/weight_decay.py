"""Decoupled weight decay over any rule."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from saddlebench.optimizers.rules.over import Over
from saddlebench.parameters import NonNegative, cast, pick


@dataclass(frozen=True)
class WeightDecay(Over):
    """d = p + λ w, with p the direction of the inner rule: w⁺ = (1 − ηλ) w − η p.

    Loshchilov & Hutter, ICLR 2019: the decay is no part of the gradient, so it enters no moments.
    """

    name = "weight-decay"
    paper = "Loshchilov & Hutter 2019"

    weight_decay: NonNegative = 0.01  # λ

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The inner rule's direction and the pull towards 0."""
        p, state = self.rule.direction(i, w, gradient, state)
        return p + cast(pick(self.weight_decay, i), w) * w, state
