"""Consensus adjustment."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.optimizer import Point, Profile
from saddlebench.parameters import NonNegative, cast, pick


@dataclass(frozen=True)
class Consensus(Adjustment):
    """v + γ Jᵀv = v + γ ∇½‖v‖² (Mescheder, Nowozin, Geiger, NIPS 2017)."""

    gamma: NonNegative = 10.0  # γ

    def field(self, point: Point) -> Profile:
        """One product with Jᵀ."""
        pull = point.vjp(point.v)
        return tuple(v + cast(pick(self.gamma, i), v) * p for i, (v, p) in enumerate(zip(point.v, pull, strict=True)))
