"""Learning with opponent-learning awareness."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.adjustments.shaping import Shaping
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Positive


@dataclass(frozen=True)
class Lola(Composed):
    """w⁺ = w − η [(I − H_o A)v − χ], χ_i = Σ_{j≠i} α_j J_jiᵀ ∂loss_i/∂w_j, A = diag(α_j) (LOLA).

    Foerster et al., AAMAS 2018, in the form of Letcher et al., ICLR 2019: to first order each player descends its loss after the
    others' steps of α_j, and through them.
    """

    name = "lola"
    paper = "Foerster et al. 2018; Letcher et al. 2019"
    cost = "1 gradient + n products (general-sum: n−1 more gradients)"

    step_size: Positive = 0.1  # η
    gamma: Positive | None = None  # α, the step that each player is expected to take; None: α = η
    rule: Rule = Gradient()  # what makes a direction of the adjusted field

    def parts(self) -> Optimizer:
        """The combination."""
        expected = self.step_size if self.gamma is None else self.gamma
        return Adjusted(Shaping(expected, p=1.0), SimultaneousGradient(self.step_size, self.rule))
