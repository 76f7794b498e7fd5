"""Consensus adjustment."""

from dataclasses import dataclass

import torch

from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.adjustments.products import inner
from saddlebench.optimizers.optimizer import Point, Profile
from saddlebench.parameters import NonNegative, cast, pick


@dataclass(frozen=True)
class Consensus(Adjustment):
    """v + γ Jᵀv = v + γ ∇½‖v‖² (Mescheder, Nowozin, Geiger, NIPS 2017).

    Aligned: γ takes the sign of ⟨v, Jᵀv⟩ (Letcher et al., JMLR 2019). Where that is 0 to rounding, as everywhere on a Hamiltonian
    game, the sign is +1: a convention, without which rounding would draw it.
    """

    gamma: NonNegative = 10.0  # γ
    aligned: bool = False  # choose the sign of γ

    @property
    def singular_at_rest(self) -> str:
        """The sign jumps."""
        return "the sign of ⟨v, Jᵀv⟩ jumps where v = 0" if self.aligned else ""

    def field(self, point: Point) -> Profile:
        """One product with Jᵀ."""
        v, pull = point.v, point.vjp(point.v)
        sign = 1.0
        if self.aligned:
            rounding = 64 * torch.finfo(v[0].dtype).eps
            size = inner(tuple(x.abs() for x in v), tuple(x.abs() for x in pull))
            sign = torch.where(inner(v, pull) >= -rounding * size, 1.0, -1.0).to(v[0])
        return tuple(x + cast(pick(self.gamma, i), x) * sign * p for i, (x, p) in enumerate(zip(v, pull, strict=True)))
