"""Jacobian regularisation."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments import jare
from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import NonNegative, Positive


@dataclass(frozen=True)
class Jare(Composed):
    """w⁺ = w − η (v_i + α ∇_i ½Σ_{j≠i} ‖v_j‖²)_i: x descends f + (α/2)‖g_y‖², y descends g + (α/2)‖f_x‖² (JARE).

    Nie & Patel 2019; its α are 10 (8 Gaussians), 100 (CIFAR-10, under Adam) and 1000 (under RMSProp).
    """

    name = "jare"
    paper = "Nie & Patel 2019"
    cost = "1 gradient + 1 product"

    step_size: Positive = 0.1  # η
    gamma: NonNegative = 1.0  # α
    rule: Rule = Gradient()  # what makes a direction of the adjusted field

    def parts(self) -> Optimizer:
        """The combination."""
        return Adjusted(jare.Jare(self.gamma), SimultaneousGradient(self.step_size, self.rule))
