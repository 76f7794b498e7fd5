"""Hamiltonian adjustment."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.optimizer import Point, Profile


@dataclass(frozen=True)
class Hamiltonian(Adjustment):
    """Jᵀv = ∇½‖v‖² in place of v (Balduzzi et al., ICML 2018; Abernethy, Lai, Wibisono, ALT 2021)."""

    def field(self, point: Point) -> Profile:
        """One product with Jᵀ."""
        return point.vjp(point.v)
