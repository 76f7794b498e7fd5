"""Linearised competitive gradient descent."""

from dataclasses import dataclass

from saddlebench.optimizers.lookahead import LookAhead
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.parameters import Positive


@dataclass(frozen=True)
class LinearisedCompetitiveGradient(Composed):
    """w⁺ = w − D (I − H_o D)v, D = diag(η_i): competitive gradient to first order in H_o (LCGD).

    Schäfer & Anandkumar, NeurIPS 2019. This is LookAhead with α = η, each player foreseeing the other's own step.
    """

    name = "linearised-competitive-gradient"
    paper = "Schäfer & Anandkumar 2019"
    cost = "1 gradient + 1 product (general-sum: n−1 more gradients)"

    step_size: Positive = 0.1  # η

    def parts(self) -> Optimizer:
        """The combination."""
        return LookAhead(self.step_size)
