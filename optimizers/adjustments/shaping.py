"""Opponent shaping: every player counts on how its move bends the others' next step."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.adjustments.foresight import Foresight
from saddlebench.optimizers.adjustments.products import inner
from saddlebench.optimizers.optimizer import Point, Profile
from saddlebench.parameters import Positive, PositiveScalar, Share, cast, pick


@dataclass(frozen=True)
class Shaping(Adjustment):
    """ξ₀ − p χ, ξ₀ = (I − H_o A)v and χ_i = Σ_{j≠i} α_j J_jiᵀ ∂loss_i/∂w_j, A = diag(α_j).

    p = 1 is LOLA (Foerster et al., AAMAS 2018), p = 0 LookAhead. Adaptive (SOS; Letcher et al., ICLR 2019): p = min(p₁, p₂) with
    p₁ = 1 where ⟨−χ, ξ₀⟩ ≥ 0 and else min(1, −a‖ξ₀‖²/⟨−χ, ξ₀⟩), p₂ = ‖v‖² where ‖v‖ < b and else 1.
    """

    gamma: Positive = 0.1  # α, what each player is expected to step with
    p: Share | None = None  # p; None: adaptive
    alignment: PositiveScalar = 0.5  # a
    radius: PositiveScalar = 0.1  # b

    def field(self, point: Point) -> Profile:
        """One product with the off-diagonal part of J, and one block row of Jᵀ for each ordered pair of players."""
        ahead = Foresight(self.gamma).field(point)
        shaping = tuple(-x for x in self._chi(point))
        p = self._adaptive(point.v, ahead, shaping) if self.p is None else cast(self.p, ahead[0])
        return tuple(x + p * s for x, s in zip(ahead, shaping, strict=True))

    def _chi(self, point: Point) -> list[Tensor]:
        players = range(len(point.v))

        def bent(i: int, j: int) -> Tensor:
            expected = point.partial(i, j)
            return point.block(j, i, cast(pick(self.gamma, j), expected) * expected, transpose=True)

        return [torch.stack([bent(i, j) for j in players if i != j]).sum(0) for i in players]

    def _adaptive(self, v: Profile, ahead: Profile, shaping: Profile) -> Tensor:
        along, length, square = inner(shaping, ahead), inner(ahead, ahead), inner(v, v)
        against = along < 0
        one = torch.ones_like(along)
        ratio = cast(self.alignment, along) * length / torch.where(against, -along, one)
        aligned = torch.where(against, torch.minimum(ratio, one), one)
        near = square < cast(self.radius, square) ** 2
        return torch.minimum(aligned, torch.where(near, square, one))
