"""The gradient-norm regulariser of the generator."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.optimizer import Point, Profile
from saddlebench.parameters import NonNegative, cast, pick


@dataclass(frozen=True)
class GradientNorm(Adjustment):
    """(f_x + 2λ g_yxᵀ g_y, g_y) = (∇ₓ(f + λ‖g_y‖²), g_y): the generator x alone is adjusted (Nagarajan & Kolter, NIPS 2017)."""

    players = 2

    gamma: NonNegative = 0.5  # λ

    def field(self, point: Point) -> Profile:
        """One block row."""
        x, y = point.v
        return x + 2 * cast(pick(self.gamma, 0), x) * point.block(1, 0, y, transpose=True), y
