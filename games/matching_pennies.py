"""Matching pennies."""

from dataclasses import dataclass
from typing import Literal

from saddlebench.games.payoffs import FixedPayoffGame


@dataclass(frozen=True)
class MatchingPennies(FixedPayoffGame):
    """Row x minimises xᵀMy, column y maximises it, M = −[[1, −1], [−1, 1]]: row wants equal pennies. Equilibrium (½, ½), value 0.

    ``form="simplex"``: probabilities. ``form="logit"`` (Letcher et al., ICLR 2019): one number a player, x = (σ(w), 1 − σ(w)),
    equilibrium 0, where J has the eigenvalues ±i/4.
    """

    name = "matching-pennies"
    paper = "classic"

    form: Literal["simplex", "logit"] = "simplex"  # probabilities, or the logit of the first

    @property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """Heads, tails against heads, tails."""
        return (1.0, -1.0), (-1.0, 1.0)
