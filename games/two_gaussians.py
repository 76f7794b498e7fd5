"""Two Gaussians that lie apart: how much a discriminator at its optimum teaches the generator."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from saddlebench.games.game import Domain, Game, Profile
from saddlebench.games.starts import point
from saddlebench.parameters import PositiveScalar, Scalar

_REACH, _NODES = 25.0, 2049  # of the trapezoidal rule for E over N(0, 1): exact to rounding for these integrands up to θ = 40s


@dataclass(frozen=True)
class TwoGaussians(Game):
    """Data N(0, s²), generator N(θ, s²), V = E log σ(D(x)) + E log(1 − σ(D(z + θ))) with D(x) = ax + b, θ minimises, D maximises.

    Arjovsky & Bottou, ICLR 2017, in one dimension. The logarithm of the ratio of two Gaussians of equal variance is linear, so this
    discriminator contains the optimal one, a = −θ/s², b = θ²/(2s²), for which V = 2 JS − 2 log 2. Runs start there, at a distance θ
    = ``distance``: their first ``gradient_norm.generator`` over a sweep of distances is the curve of the vanishing gradient, like
    e^{−θ²/(8s²)} for ``minimax``. ``non-saturating`` (θ minimises −E log σ(D)) grows there instead, like θ/s². ``wasserstein``: V =
    E D(x) − E D(z + θ) with D(x) = ax, |a| ≤ 1 (a clipped critic): W₁ = |θ|, slope 1 at every distance.

    Equilibrium θ = 0, D = 0; J has the eigenvalues s²/4 ± √(s⁴/16 − ¼) and ½ (minimax and non-saturating alike), ±i for the
    critic. Measures of θ alone: ``jensen_shannon`` (nats, at most log 2), ``jensen_shannon_slope`` |dJS/dθ|, ``wasserstein`` |θ|.
    """

    name = "two-gaussians"
    paper = "Arjovsky & Bottou 2017"

    loss: Literal["minimax", "non-saturating", "wasserstein"] = "minimax"  # the losses
    std: PositiveScalar = 1.0  # s
    distance: Scalar = 2.0  # θ at the start
    start: Literal["optimal", "zero"] = "optimal"  # the discriminator at the start: the best one for θ, or D = 0

    @property
    def players(self) -> tuple[str, ...]:
        """θ, and D."""
        return ("generator", "discriminator")

    @property
    def sizes(self) -> tuple[int, ...]:
        """θ; a and b, or a alone for the critic, which no shift changes."""
        return (1, 1) if self.loss == "wasserstein" else (1, 2)

    @property
    def domain(self) -> tuple[Domain, ...]:
        """The critic is clipped."""
        return ("unconstrained", "box" if self.loss == "wasserstein" else "unconstrained")

    @property
    def zero_sum(self) -> bool:
        """Unless the generator has a loss of its own."""
        return self.loss != "non-saturating"

    def initial(self, seeds: Tensor) -> Profile:
        """As ``distance`` and ``start`` say."""
        theta = torch.full((len(seeds), 1), self.distance, dtype=torch.float64, device=seeds.device)
        best = -theta.sign() if self.loss == "wasserstein" else self.optimal(theta)
        return theta, best * (self.start == "optimal")

    def optimal(self, theta: Tensor) -> Tensor:
        """The optimal discriminator (a, b) for θ ``(runs, 1)``."""
        return torch.cat((-theta, theta**2 / 2), -1) / self.std**2

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(V or −E log σ(D(z + θ)), −V)."""
        theta, d = profile
        if self.loss == "wasserstein":
            value = -(d * theta).squeeze(-1)
            return value, -value
        real, fake, weight = self._logits(theta, d)
        value = -((softplus(-real) + softplus(fake)) * weight).sum(-1)
        generator = (softplus(-fake) * weight).sum(-1) if self.loss == "non-saturating" else value
        return generator, -value

    def _logits(self, theta: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """D on nodes of data and of generated points, ``(runs, nodes)``, and the weights."""
        nodes = torch.linspace(-_REACH, _REACH, _NODES, dtype=theta.dtype, device=theta.device)
        weight = torch.exp(-(nodes**2) / 2)
        a, b = d[:, :1], d[:, 1:]
        real = a * (self.std * nodes) + b
        return real, real + a * theta, weight / weight.sum()

    def project(self, i: int, x: Tensor) -> Tensor:
        """The critic's clipping."""
        return x.clamp(-1, 1) if self.domain[i] == "box" else x

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """θ = 0, D = 0."""
        return point((0.0,) * sum(self.sizes), self.sizes, seeds)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Any) -> dict[str, Tensor]:
        """``jensen_shannon``, ``jensen_shannon_slope`` and ``wasserstein``."""
        theta = profile[0].detach()
        best = self.optimal(theta)
        real, fake, weight = self._logits(theta, best)
        value = ((logsigmoid(real) + logsigmoid(-fake)) * weight).sum(-1)
        # dV/dθ at the optimal discriminator (its own change is of second order) is −a E σ(D(z + θ)), and JS = log 2 + V/2
        slope = (best[:, 0] * (fake.sigmoid() * weight).sum(-1)).abs() / 2
        return {
            "jensen_shannon": (math.log(2) + value / 2).clamp_min(0),
            "jensen_shannon_slope": slope,
            "wasserstein": theta.squeeze(-1).abs(),
        }
