"""The Dirac-GAN."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from saddlebench.games.draws import normal
from saddlebench.games.game import Domain, Game, Profile
from saddlebench.parameters import NonNegativeScalar, Scalar

_NODES = 32  # of Gauss–Hermite quadrature: exact to rounding for the logistic loss at moderate noise


@dataclass(frozen=True)
class DiracGAN(Game):
    """Data δ_c, generator δ_θ, discriminator D(x) = ψx: L = f(ψθ) + f(−ψc), θ minimises, ψ maximises, f(t) = −log(1 + e^{−t}).

    Mescheder, Geiger, Nowozin, ICML 2018, with c = 0: v = (ψ f'(ψθ), −θ f'(ψθ)), equilibrium (0, 0), eigenvalues ±i/2 there.
    Losses: ``minimax``; ``non-saturating`` (θ minimises −f(−ψθ)); ``wasserstein`` (f(t) = t, eigenvalues ±i). Penalties on ψ:
    ``r1`` (γ/2)ψ²; ``gradient_penalty`` (λ/2)(|ψ| − g₀)², whose field jumps at ψ = 0 unless g₀ = 0. ``instance_noise`` s adds
    N(0, s²) to real and generated points, its expectation by Gauss–Hermite quadrature. ``clip`` projects ψ on [−clip, clip].
    With c the equilibrium is (c, 0), and the curved f's give ψ the curvature (c² + s²)/2.

    The paper's setting: start=[1, 1], η = .2, 500 steps; r1 .3 and 1, consensus 1, clip 1, noise .7, gradient_penalty .7. Gidel
    et al., ICLR 2019, have loss=wasserstein, target=−2. The start is drawn by seed where none is given.
    """

    name = "dirac-gan"
    paper = "Mescheder et al. 2018"

    loss: Literal["minimax", "non-saturating", "wasserstein"] = "minimax"  # f and the generator's loss
    r1: NonNegativeScalar = 0.0  # γ of R1 (and of R2, which is the same here)
    instance_noise: NonNegativeScalar = 0.0  # s, standard deviation
    gradient_penalty: NonNegativeScalar = 0.0  # λ of WGAN-GP
    gradient_norm: NonNegativeScalar = 1.0  # g₀, to which WGAN-GP draws |ψ|
    clip: NonNegativeScalar = 0.0  # of WGAN; 0: ψ is not clipped
    target: Scalar = 0.0  # c, where the data is
    start: tuple[float, float] | None = None  # (θ, ψ) of every run; None: drawn by seed

    @property
    def players(self) -> tuple[str, ...]:
        """θ and ψ."""
        return ("generator", "discriminator")

    @property
    def sizes(self) -> tuple[int, ...]:
        """One number each."""
        return (1, 1)

    @property
    def zero_sum(self) -> bool:
        """Without penalties and with one objective for both."""
        return self.loss != "non-saturating" and self.r1 == 0 and self.gradient_penalty == 0

    @property
    def follower_curvature(self) -> bool:
        """With a penalty on ψ, or points off 0 under a curved f: else g is flat in ψ at the equilibrium."""
        curved = (self.instance_noise > 0 or self.target != 0) and self.loss != "wasserstein"
        return self.r1 > 0 or self.gradient_penalty > 0 or curved

    @property
    def domain(self) -> tuple[Domain, ...]:
        """ψ's is an interval where it is clipped."""
        return ("unconstrained", "box" if self.clip else "unconstrained")

    def project(self, i: int, x: Tensor) -> Tensor:
        """Clipping of ψ."""
        return x.clamp(-self.clip, self.clip) if self.clip and i == 1 else x

    @property
    def smooth(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride] - depends on the parameters here
        """Not with a gradient penalty that draws to another norm than 0."""
        return self.gradient_penalty == 0 or self.gradient_norm == 0

    @property
    def spectrum_reason(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - likewise
        """Why there is no Jacobian."""
        return "" if self.smooth else "the gradient penalty's field jumps at ψ = 0: no Jacobian at the equilibrium"

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal by seed, or the given start; ψ clipped."""
        if self.start is None:
            return normal(seeds, "generator", 1), self.project(1, normal(seeds, "discriminator", 1))
        one = torch.ones(len(seeds), 1, dtype=torch.float64, device=seeds.device)
        return one * self.start[0], self.project(1, one * self.start[1])

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(L or −E f(−ψθ), −L + penalties)."""
        theta, psi = profile
        noise, weight = self._noise(theta)

        def mean(values: Tensor) -> Tensor:
            return (values * weight).sum(-1)

        fake, real = psi * (theta + noise), psi * (self.target + noise)
        logistic = mean(-softplus(-fake)) + mean(-softplus(real))  # f(t) = −softplus(−t)
        value = mean(fake) - mean(real) if self.loss == "wasserstein" else logistic
        generator = mean(softplus(fake)) if self.loss == "non-saturating" else value
        squared = psi**2 - 2 * self.gradient_norm * psi.abs() + self.gradient_norm**2  # (|ψ| − g₀)², smooth where g₀ = 0
        penalty = self.r1 / 2 * psi**2 + self.gradient_penalty / 2 * squared
        return generator, -value + penalty.squeeze(-1)

    def _noise(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Nodes and weights of the expectation over N(0, s²)."""
        if self.instance_noise == 0:
            return torch.zeros(1, dtype=like.dtype, device=like.device), torch.ones(1, dtype=like.dtype, device=like.device)
        nodes, weights = np.polynomial.hermite.hermgauss(_NODES)
        nodes = torch.tensor(nodes * math.sqrt(2) * self.instance_noise)
        return nodes.to(like), torch.tensor(weights / math.sqrt(math.pi)).to(like)

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """(c, 0)."""
        zero = torch.zeros(len(seeds), 1, dtype=torch.float64, device=seeds.device)
        return zero + self.target, zero
