"""Rock-paper-scissors."""

from dataclasses import dataclass
from typing import Literal

from saddlebench.games.payoffs import FixedPayoffGame


@dataclass(frozen=True)
class RockPaperScissors(FixedPayoffGame):
    """Row x minimises xᵀMy, column y maximises it, M = −[[0, −1, 1], [1, 0, −1], [−1, 1, 0]]; equilibrium uniform, value 0.

    ``form="simplex"``: strategies are probabilities; ``form="softmax"``: logits, unconstrained (`games.payoffs`).
    """

    name = "rock-paper-scissors"
    paper = "classic"

    form: Literal["simplex", "softmax"] = "simplex"  # probabilities, or logits

    @property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """Rock, paper, scissors against rock, paper, scissors."""
        return (0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0)
