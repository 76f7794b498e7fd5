"""Symplectic gradient adjustment."""

from dataclasses import dataclass
from typing import ClassVar

from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.adjustments.symplectic import Symplectic
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.search import LogUniform, Space
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import NonNegative, Positive, Real


@dataclass(frozen=True)
class SymplecticGradient(Composed):
    """w⁺ = w − η (v + λ Aᵀv), A = (J − Jᵀ)/2 (SGA); aligned: λ takes the sign that JMLR Algorithm 1 chooses.

    Balduzzi et al., ICML 2018; Letcher et al., JMLR 2019.
    """

    name = "symplectic-gradient"
    paper = "Balduzzi et al. 2018; Letcher et al. 2019"
    cost = "1 gradient + 2 products"
    search: ClassVar[Space] = {"gamma": LogUniform(1e-2, 10)}

    step_size: Positive = 0.1  # η
    gamma: Real = 1.0  # λ
    aligned: bool = False  # choose the sign of λ
    epsilon: NonNegative = 0.1  # ε of the alignment
    rule: Rule = Gradient()  # what makes a direction of the adjusted field

    def parts(self) -> Optimizer:
        """The combination."""
        adjustment = Symplectic(self.gamma, self.aligned, self.epsilon)
        return Adjusted(adjustment, SimultaneousGradient(self.step_size, self.rule))
