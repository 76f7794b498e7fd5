"""Complex momentum, simultaneous."""

import math
from dataclasses import dataclass
from typing import ClassVar

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import complex_momentum
from saddlebench.optimizers.search import Space, Uniform
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Decay, Positive, Real


@dataclass(frozen=True)
class ComplexMomentum(Composed):
    """μ⁺ = β μ − v(w), w⁺ = w + η Re μ⁺, β = r e^{iφ}, all players at once.

    Lorraine, Acuna, Vicol, Duvenaud, AISTATS 2022. On a bilinear game a small η converges exactly if Re[(1+β)/(1−β)²] < 0. The
    defaults are near the best of φ = π/8 for σ = 1.
    """

    name = "complex-momentum"
    paper = "Lorraine et al. 2022"
    cost = "1 gradient"
    search: ClassVar[Space] = {"momentum_argument": Uniform(0, math.pi)}

    step_size: Positive = 0.1  # η
    momentum_modulus: Decay = 0.8  # r
    momentum_argument: Real = math.pi / 8  # φ

    def parts(self) -> Optimizer:
        """The combination."""
        rule = complex_momentum.ComplexMomentum(self.momentum_modulus, self.momentum_argument)
        return SimultaneousGradient(self.step_size, rule)
