"""Consensus optimization."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments import consensus
from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import NonNegative, Positive


@dataclass(frozen=True)
class ConsensusOptimization(Composed):
    """w⁺ = w − η (v + γ Jᵀv), Jᵀv = ∇½‖v‖² (ConOpt).

    Mescheder, Nowozin, Geiger, NIPS 2017; the paper's GANs use γ = 10 under ``rule="rmsprop"`` with η = 1e-4.
    """

    name = "consensus"
    paper = "Mescheder et al. 2017"
    cost = "1 gradient + 1 product"

    step_size: Positive = 0.1  # η
    gamma: NonNegative = 1.0  # γ
    rule: Rule = Gradient()  # what makes a direction of the adjusted field

    def parts(self) -> Optimizer:
        """The combination."""
        return Adjusted(consensus.Consensus(self.gamma), SimultaneousGradient(self.step_size, self.rule))
