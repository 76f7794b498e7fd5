"""Optimistic multiplicative weights."""

from dataclasses import dataclass
from typing import Literal

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.entropic import Entropic
from saddlebench.optimizers.rules.optimistic import Optimistic
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import NonNegative, Positive


@dataclass(frozen=True)
class OptimisticMultiplicativeWeights(Composed):
    """x_k⁺ ∝ x_k exp(−η (2 g_k − g₋_k)) on the simplex; its last iterate converges for small η.

    Rakhlin & Sridharan 2013; Daskalakis & Panageas, ITCS 2019.
    """

    name = "optimistic-multiplicative-weights"
    paper = "Daskalakis & Panageas 2019"
    cost = "1 gradient"

    step_size: Positive = 0.1  # η
    optimism: NonNegative = 1.0  # κ
    start: Literal["zero", "gradient"] = "zero"  # g₋ before the first step

    def parts(self) -> Optimizer:
        """The combination."""
        return SimultaneousGradient(self.step_size, Optimistic(Entropic(), self.optimism, self.start))
