"""Projected simultaneous gradient."""

from dataclasses import dataclass

from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient


@dataclass(frozen=True)
class ProjectedGradient(SimultaneousGradient):
    """w⁺ = P[w − η v(w)], P the projection on each player's domain (projected gradient descent-ascent).

    Goldstein 1964; Levitin & Polyak 1966.
    """

    name = "projected-gradient"
    paper = "Goldstein 1964"
    projects = True
