"""Gradient descent on the Hamiltonian ½‖v‖²."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.adjustments.hamiltonian import Hamiltonian
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Positive


@dataclass(frozen=True)
class HamiltonianGradient(Composed):
    """w⁺ = w − η Jᵀv, Jᵀv = ∇½‖v‖² (HGD).

    Balduzzi et al., ICML 2018; Abernethy, Lai, Wibisono, ALT 2021. Every critical point attracts it, maxima too.
    """

    name = "hamiltonian-gradient"
    paper = "Balduzzi et al. 2018; Abernethy et al. 2021"
    cost = "1 gradient + 1 product"

    step_size: Positive = 0.1  # η
    rule: Rule = Gradient()  # what makes a direction of the adjusted field

    def parts(self) -> Optimizer:
        """The combination."""
        return Adjusted(Hamiltonian(), SimultaneousGradient(self.step_size, self.rule))
