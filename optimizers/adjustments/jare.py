"""JARE's adjustment."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.adjustments.products import off_diagonal_transposed
from saddlebench.optimizers.optimizer import Point, Profile
from saddlebench.parameters import NonNegative, cast, pick


@dataclass(frozen=True)
class Jare(Adjustment):
    """v_i + α Σ_{j≠i} J_jiᵀ v_j = v_i + α ∇_i ½ Σ_{j≠i} ‖v_j‖²: consensus without its diagonal blocks (Nie & Patel 2019)."""

    gamma: NonNegative = 100.0  # α

    def field(self, point: Point) -> Profile:
        """One product with the off-diagonal part of Jᵀ."""
        pull = off_diagonal_transposed(point, point.v)
        return tuple(v + cast(pick(self.gamma, i), v) * p for i, (v, p) in enumerate(zip(point.v, pull, strict=True)))
