"""Foresight: every player answers the others' next step."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.optimizer import Point, Profile
from saddlebench.parameters import Real, cast, pick


@dataclass(frozen=True)
class Foresight(Adjustment):
    """(I − H_o A)v, A = diag(α_j): v_i − Σ_{j≠i} α_j J_ij v_j, to first order ∂loss_i/∂w_i after the others' step of α_j.

    Zhang & Lesser, AAAI 2010; Letcher et al., ICLR 2019.
    """

    gamma: Real = 0.1  # α, what each player is expected to step with

    def field(self, point: Point) -> Profile:
        """One product with the off-diagonal part of J."""
        expected = [cast(pick(self.gamma, j), v) * v for j, v in enumerate(point.v)]
        return tuple(v - t for v, t in zip(point.v, point.jvp(expected, off=True), strict=True))
