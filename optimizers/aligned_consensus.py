"""Consensus optimization that keeps away from maxima."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments import consensus
from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import NonNegative, Positive


@dataclass(frozen=True)
class AlignedConsensus(Composed):
    """w⁺ = w − η (v + γ sign⟨v, Jᵀv⟩ Jᵀv), γ ≥ 0.

    Letcher et al., JMLR 2019: where v points to a maximum of ‖v‖², the adjustment turns away from it. On a Hamiltonian game
    ⟨v, Jᵀv⟩ = 0 everywhere, and the sign is +1 (a convention).
    """

    name = "aligned-consensus"
    paper = "Letcher et al. 2019"
    cost = "1 gradient + 1 product"

    step_size: Positive = 0.1  # η
    gamma: NonNegative = 1.0  # γ, in the paper |λ|
    rule: Rule = Gradient()  # what makes a direction of the adjusted field

    def parts(self) -> Optimizer:
        """The combination."""
        return Adjusted(consensus.Consensus(self.gamma, aligned=True), SimultaneousGradient(self.step_size, self.rule))
