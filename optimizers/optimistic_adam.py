"""Optimistic Adam."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import adam
from saddlebench.optimizers.rules.optimistic import Optimistic
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Betas, NonNegative, Positive


@dataclass(frozen=True)
class OptimisticAdam(Composed):
    """w⁺ = w − 2η p + η p₋, with p = m̂/(√ŝ + ε) Adam's direction: optimism on the preconditioned step.

    Daskalakis, Ilyas, Syrgkanis, Zeng, ICLR 2018, Algorithm 1, with its CIFAR-10 settings.
    """

    name = "optimistic-adam"
    paper = "Daskalakis et al. 2018"
    cost = "1 gradient"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    step_size: Positive = 1e-4  # η
    betas: Betas = (0.5, 0.9)  # β₁, β₂
    epsilon: NonNegative = 1e-8  # ε
    optimism: NonNegative = 1.0  # κ
    start: Literal["zero", "gradient"] = "zero"  # p₋ before the first step

    def parts(self) -> Optimizer:
        """The combination."""
        return SimultaneousGradient(self.step_size, Optimistic(adam.Adam(self.betas, self.epsilon), self.optimism, self.start))
