"""LookAhead: answer the others' next step."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.adjustments.foresight import Foresight
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Positive, Real


@dataclass(frozen=True)
class LookAhead(Composed):
    """w⁺ = w − η (I − H_o A)v, A = diag(α_j), H_o the off-diagonal blocks of J.

    Zhang & Lesser, AAAI 2010 (infinitesimal gradient ascent with policy prediction); Letcher et al., ICLR 2019.
    """

    name = "lookahead"
    paper = "Zhang & Lesser 2010"
    cost = "1 gradient + 1 product (general-sum: n−1 more gradients)"

    step_size: Positive = 0.1  # η
    gamma: Real | None = None  # α, the step that each player is expected to take; None: α = η
    rule: Rule = Gradient()  # what makes a direction of the adjusted field

    def parts(self) -> Optimizer:
        """The combination."""
        expected = self.step_size if self.gamma is None else self.gamma
        return Adjusted(Foresight(expected), SimultaneousGradient(self.step_size, self.rule))
