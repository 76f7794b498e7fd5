"""The location game on the torus."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saddlebench.games.draws import uniform
from saddlebench.games.game import Game, Profile
from saddlebench.games.starts import point
from saddlebench.parameters import PositiveScalar, Scalar

_GRID, _HALVINGS = 4096, 60
_OFF = 1e-3  # off the grid lie the round numbers at which symmetric games have their equilibria


@dataclass(frozen=True)
class Torus(Game):
    """ℓ_i(θ) = −α_i cos(θ_i − φ_i) + cos(θ_1 − θ_2): each wants to be near φ_i and far from the other one, on a circle.

    Fiez, Chasnov, Ratliff, ICML 2020; their code has α = (1, 1.3), φ = (π/8, π/8), and starts uniform on (−π, π)². ℓ_i is one
    cosine of θ_i, so that its minimum is known: −|α_i e^{iφ_i} − e^{iθ_j}|. The gap, the sum over i of ℓ_i + |α_i e^{iφ_i} −
    e^{iθ_j}|, vanishes exactly at the Nash equilibria. With φ_1 = φ_2 two, mirror images of each other in φ, attract; which one a
    run reaches depends on its start and on the optimizer: no equilibrium is named in advance, and the distance, on the torus, is
    that to the nearest one.
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

    def equilibrium_distance(self, profile: Profile, seeds: Tensor) -> Tensor | None:
        """Along the shorter arcs, to the nearest of the equilibria; None where they are no points."""
        rest = self.equilibria
        if not len(rest):
            return None
        apart = torch.cat(profile, -1)[:, None] - torch.as_tensor(rest).to(profile[0])
        return torch.remainder(apart + math.pi, 2 * math.pi).sub(math.pi).norm(dim=-1).amin(-1)

    @cached_property
    def equilibria(self) -> np.ndarray:
        """All Nash equilibria, ``(n, 2)`` angles.

        The fixed points of best reply to best reply, bracketed on a grid and bisected; and those at which an indifferent player
        (α_i = 1, θ_j = φ_i) happens to be where θ_j = φ_i is the best reply.
        """
        low = np.linspace(-np.pi, np.pi, _GRID, endpoint=False) + _OFF
        high = low + 2 * np.pi / _GRID
        sign = np.sign(self._turn(low))
        keep = sign * np.sign(self._turn(high)) < 0
        low, high, sign = low[keep], high[keep], sign[keep]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            left = np.sign(self._turn(middle)) == sign
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        smooth = np.abs(self._turn(low)) < 1e-9  # elsewhere the best reply jumps
        return np.concatenate([np.stack([self._reply(0, low), low], -1)[smooth], *(self._indifferent(i) for i in (0, 1))])

    def _indifferent(self, i: int) -> np.ndarray:
        """Equilibria with θ_j = φ_i and α_i = 1: e^{iθ_i} = α_j e^{iφ_j} − t e^{iφ_i} of modulus 1 with t ≥ 0."""
        j = 1 - i
        along = self.alpha[j] * math.cos(self.phi[j] - self.phi[i])
        square = along**2 - self.alpha[j] ** 2 + 1
        if self.alpha[i] != 1 or square < 0:
            return np.empty((0, 2))
        t = along + np.array([-1, 1]) * math.sqrt(square)
        own = np.angle(self.alpha[j] * np.exp(1j * self.phi[j]) - t[t >= 0] * np.exp(1j * self.phi[i]))
        return np.stack([own, np.full(len(own), self.phi[i])][:: 1 - 2 * i], -1)

    def _reply(self, i: int, other: np.ndarray) -> np.ndarray:
        """The minimiser of ℓ_i."""
        return np.angle(self.alpha[i] * np.exp(1j * self.phi[i]) - np.exp(1j * other))

    def _turn(self, second: np.ndarray) -> np.ndarray:
        """From θ_2 to the best reply to the best reply to it, along the shorter arc."""
        return np.angle(np.exp(1j * (self._reply(1, self._reply(0, second)) - second)))

    def gap(self, profile: Profile, buffers: Any) -> Tensor | None:
        """Σ_i ℓ_i − min ℓ_i, the minimum over the player's own angle."""
        first, second = (x.squeeze(-1) for x in profile)
        total = torch.stack(self.losses(profile, None, buffers)).sum(0)
        for alpha, phi, other in zip(self.alpha, self.phi, (second, first), strict=True):
            total = total + (alpha**2 + 1 - 2 * alpha * torch.cos(phi - other)).clamp_min(0).sqrt()
        return total.clamp_min(0)
