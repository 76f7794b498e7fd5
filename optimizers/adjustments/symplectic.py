"""Symplectic adjustment."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.adjustments.products import inner
from saddlebench.optimizers.optimizer import Point, Profile
from saddlebench.parameters import NonNegative, Real, cast, pick


@dataclass(frozen=True)
class Symplectic(Adjustment):
    """v + λ Aᵀv with A = (J − Jᵀ)/2, so Aᵀv = ½(Jᵀv − Jv) (Balduzzi et al., ICML 2018; Letcher et al., JMLR 2019).

    Aligned: λ takes the sign of (1/d)⟨v, ∇H⟩⟨Aᵀv, ∇H⟩ + ε with ∇H = Jᵀv and d the number of parameters of all players (JMLR
    Algorithm 1; DeepMind's notebook divides by the number of tensors instead).
    """

    gamma: Real = 1.0  # λ
    aligned: bool = False  # choose the sign of λ
    epsilon: NonNegative = 0.1  # ε of the alignment

    def field(self, point: Point) -> Profile:
        """Two products, one with J and one with Jᵀ."""
        v, pull = point.v, point.vjp(point.v)
        turn = tuple((a - b) / 2 for a, b in zip(pull, point.jvp(v), strict=True))
        sign = 1.0
        if self.aligned:
            size = sum(x.shape[-1] for x in v)
            alignment = inner(v, pull) * inner(turn, pull) / size
            sign = (alignment + cast(pick(self.epsilon, 0), alignment)).sign()
        return tuple(x + cast(pick(self.gamma, i), x) * sign * t for i, (x, t) in enumerate(zip(v, turn, strict=True)))
