"""Linear games of two numbers that are general-sum: a weak attractor, a weak repellor, and a maximum that attracts consensus."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saddlebench.games.game import Profile
from saddlebench.games.linear import LinearGame
from saddlebench.games.starts import point, start_or_normal
from saddlebench.parameters import PositiveScalar, Scalar


@dataclass(frozen=True)
class WeakField(LinearGame):
    """Players x and y with one number each and v(w) = J w; the critical point is 0."""

    start: tuple[Scalar, Scalar] | None = None  # (x, y) of every run; None: standard normal by seed

    @property
    def sizes(self) -> tuple[int, ...]:
        """One number each."""
        return (1, 1)

    @property
    def zero_sum(self) -> bool:
        """No."""
        return False

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal by seed, or the given start."""
        return start_or_normal(self.start, self.sizes, seeds)

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """The critical point 0."""
        return point((0.0, 0.0), self.sizes, seeds)


@dataclass(frozen=True)
class WeakAttractor(WeakField):
    """ℓ₁ = (μ/2)x² + σxy, ℓ₂ = (μ/2)y² − σxy: J = [[μ, σ], [−σ, μ]], a Nash equilibrium at 0 with eigenvalues μ ± iσ.

    Letcher et al., JMLR 2019, §4: a weak attractor (μ = 1) under a strong rotation (σ = 10), played with η = .01, .032 and .1.
    Simultaneous gradient has the radii .99504, 1.01952 and 1.34536 there: only the smallest step converges.
    """

    name = "weak-attractor"
    paper = "Letcher et al. 2019"

    attraction: PositiveScalar = 1.0  # μ
    rotation: Scalar = 10.0  # σ

    def blocks(self, buffers: Any) -> Any:
        """[[μ, σ], [−σ, μ]]."""
        own, other = _matrix(self.attraction), _matrix(self.rotation)
        return (own, other), (-other, own)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(ℓ₁, ℓ₂)."""
        x, y = (w.squeeze(-1) for w in profile)
        turn = self.rotation * x * y
        return self.attraction / 2 * x**2 + turn, self.attraction / 2 * y**2 - turn


@dataclass(frozen=True)
class WeakRepellor(WeakField):
    """ℓ₁ = −(ε/2)x² − xy, ℓ₂ = −(ε/2)y² + xy: J = [[−ε, −1], [1, −ε]], eigenvalues −ε ± i, which repel.

    Letcher et al., JMLR 2019, Example 9. 0 is both players' maximum and no equilibrium: a method should leave it. Plain symplectic
    adjustment with λ > ε is pulled in, and so is the aligned one where ‖w‖ < (2·.1/ε)^¼/√(1 + ε²) (.1 is its alignment's bias;
    1.1833 for ε = .1). ``converged`` therefore means here that a method was deceived, and ``diverged`` that it left.
    """

    name = "weak-repellor"
    no_solution = "0 is the maximum of each player's own loss"
    paper = "Letcher et al. 2019"

    epsilon: PositiveScalar = 0.1  # ε, strength of the repulsion

    def blocks(self, buffers: Any) -> Any:
        """[[−ε, −1], [1, −ε]]."""
        own, other = _matrix(-self.epsilon), _matrix(-1.0)
        return (own, other), (-other, own)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(ℓ₁, ℓ₂)."""
        x, y = (w.squeeze(-1) for w in profile)
        return -self.epsilon / 2 * x**2 - x * y, -self.epsilon / 2 * y**2 + x * y


@dataclass(frozen=True)
class ConsensusFailure(WeakField):
    """ℓ₁ = ℓ₂ = −(κ/2)(x² + y²): J = −κI. 0 is the common maximum of the losses; there is no equilibrium.

    Letcher et al., JMLR 2019, Example 8. Gradient descent leaves 0; consensus optimization descends on v + γJᵀv = −κ(1 − γκ)w and
    converges to it unless γ < 1/κ. ``converged`` means that a method was deceived.
    """

    name = "consensus-failure"
    no_solution = "0 is the maximum of the losses"
    paper = "Letcher et al. 2019"

    kappa: PositiveScalar = 1.0  # κ, curvature of the maximum

    def blocks(self, buffers: Any) -> Any:
        """−κI."""
        own, other = _matrix(-self.kappa), _matrix(0.0)
        return (own, other), (other, own)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(ℓ, ℓ)."""
        x, y = (w.squeeze(-1) for w in profile)
        value = -self.kappa / 2 * (x**2 + y**2)
        return value, value.clone()


def _matrix(value: float) -> Tensor:
    return torch.full((1, 1), value, dtype=torch.float64)
