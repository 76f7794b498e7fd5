"""The location game on the torus."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saddlebench.games.draws import uniform
from saddlebench.games.game import Game, Profile
from saddlebench.games.starts import point
from saddlebench.parameters import PositiveScalar, Scalar


@dataclass(frozen=True)
class Torus(Game):
    """ℓ_i(θ) = −α_i cos(θ_i − φ_i) + cos(θ_1 − θ_2): each wants to be near φ_i and far from the other one, on a circle.

    Fiez, Chasnov, Ratliff, ICML 2020; their code has α = (1, 1.3), φ = (π/8, π/8), and starts uniform on (−π, π)². ℓ_i is one
    cosine of θ_i, so that its minimum is known: −|α_i e^{iφ_i} − e^{iθ_j}|. The gap, the sum over i of ℓ_i + |α_i e^{iφ_i} −
    e^{iθ_j}|, vanishes exactly at the Nash equilibria. With φ_1 = φ_2 there are two, mirror images of each other in φ; which one a
    run reaches depends on its start and on the optimizer, so runs are judged by the gap, and no equilibrium is named in advance.
    """

    name = "torus"
    paper = "Fiez et al. 2020"

    alpha: tuple[PositiveScalar, PositiveScalar] = (1.0, 1.3)  # α, how much each player cares for its place
    phi: tuple[Scalar, Scalar] = (math.pi / 8, math.pi / 8)  # φ, the places, in radians
    start: tuple[Scalar, Scalar] | None = None  # (θ_1, θ_2) of every run; None: uniform on (−π, π) by seed

    @property
    def players(self) -> tuple[str, ...]:
        """In a Stackelberg game, the leader is first."""
        return ("leader", "follower")

    @property
    def sizes(self) -> tuple[int, ...]:
        """One angle each."""
        return (1, 1)

    def initial(self, seeds: Tensor) -> Profile:
        """Uniform on the torus by seed, or the given start."""
        if self.start is not None:
            return point(self.start, self.sizes, seeds)
        return (math.pi * (2 * uniform(seeds, "initial", 2) - 1)).split(1, -1)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(ℓ_1, ℓ_2)."""
        first, second = (x.squeeze(-1) for x in profile)
        near = torch.cos(first - second)
        angles = zip(self.alpha, (first, second), self.phi, strict=True)
        return tuple(near - alpha * torch.cos(angle - phi) for alpha, angle, phi in angles)

    def gap(self, profile: Profile, buffers: Any) -> Tensor | None:
        """Σ_i ℓ_i − min ℓ_i, the minimum over the player's own angle."""
        first, second = (x.squeeze(-1) for x in profile)
        total = torch.stack(self.losses(profile, None, buffers)).sum(0)
        for alpha, phi, other in zip(self.alpha, self.phi, (second, first), strict=True):
            total = total + (alpha**2 + 1 - 2 * alpha * torch.cos(phi - other)).clamp_min(0).sqrt()
        return total.clamp_min(0)
