"""Projected extragradient, under the name it has for constrained games."""

from dataclasses import dataclass

from saddlebench.optimizers.extragradient import Extragradient


@dataclass(frozen=True)
class ProjectedExtragradient(Extragradient):
    """w½ = P[w − γ v(w)], w⁺ = P[w − η v(w½)]: Korpelevich's method, whose definition already projects (Korpelevich 1976)."""

    name = "projected-extragradient"
