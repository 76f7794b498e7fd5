"""The four-player game."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saddlebench.games.game import Profile
from saddlebench.games.linear import LinearGame
from saddlebench.games.starts import point, start_or_normal
from saddlebench.parameters import NonNegativeScalar, Scalar


@dataclass(frozen=True)
class FourPlayer(LinearGame):
    """ℓ_i = (ε/2)w_i² + Σ_{j>i} w_i w_j − Σ_{j<i} w_i w_j, one number a player: every pair plays ±w_i w_j against each other.

    Balduzzi et al., ICML 2018, and Letcher et al., JMLR 2019, with ε = .01 and ε = 0, where it is zero-sum. J = εI + a skew part of
    ones; its eigenvalues are ε ± i cot(π/8) = ε ± 2.41421i and ε ± i cot(3π/8) = ε ± .41421i. The equilibrium is 0. For ε = 0 the
    optimistic gradient is stable up to η = .2391, symplectic adjustment with λ = 1 up to .2929.
    """

    name = "four-player"
    paper = "Balduzzi et al. 2018"

    epsilon: NonNegativeScalar = 0.01  # ε, each player's own curvature
    start: tuple[Scalar, Scalar, Scalar, Scalar] | None = None  # (w, x, y, z) of every run; None: standard normal by seed

    @property
    def players(self) -> tuple[str, ...]:
        """As the paper calls them."""
        return ("w", "x", "y", "z")

    @property
    def sizes(self) -> tuple[int, ...]:
        """One number each."""
        return (1, 1, 1, 1)

    @property
    def zero_sum(self) -> bool:
        """Without curvature: what a player gains from another, that one loses."""
        return self.epsilon == 0

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal by seed, or the given start."""
        return start_or_normal(self.start, self.sizes, seeds)

    def blocks(self, buffers: Any) -> Any:
        """ε on the diagonal, 1 above, −1 below."""
        one = torch.ones(1, 1, dtype=torch.float64)
        return tuple(tuple(self.epsilon * one if i == j else one if j > i else -one for j in range(4)) for i in range(4))

    def offsets(self) -> Any:
        """None."""
        return (None,) * 4

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(ℓ₁, …, ℓ₄)."""
        w = [x.squeeze(-1) for x in profile]
        signs = [[(j > i) - (j < i) for j in range(4)] for i in range(4)]
        pairs = [sum(signs[i][j] * (w[i] * w[j]) for j in range(4) if j != i) for i in range(4)]
        return tuple(self.epsilon / 2 * x**2 + pair for x, pair in zip(w, pairs, strict=True))

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """The origin."""
        return point((0.0,) * 4, self.sizes, seeds)
