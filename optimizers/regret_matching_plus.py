"""Regret matching+."""

from dataclasses import dataclass

from torch import Tensor

from saddlebench.optimizers.regret_matching import RegretMatching


@dataclass(frozen=True)
class RegretMatchingPlus(RegretMatching):
    """R⁺ = max(R + ⟨w, g⟩1 − g, 0), w⁺ ∝ R⁺: regret matching that forgets negative regrets.

    Tammelin 2014. Poker solvers (CFR+) play it with ``alternating`` and ``linear_averaging``.
    """

    name = "regret-matching-plus"
    paper = "Tammelin 2014"

    def kept(self, regrets: Tensor) -> Tensor:
        """What is positive."""
        return regrets.clamp_min(0)
