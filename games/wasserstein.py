"""WGAN and WGAN-GP on points, where the distance that the critic estimates is known exactly."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from saddlebench.games.draws import integers, normal, uniform
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.gan import Batch
from saddlebench.games.networks.mlp import MLP, Activation
from saddlebench.games.networks.network import Scheme
from saddlebench.games.penalties.penalty import length
from saddlebench.games.regularisation import PenalisedGAN
from saddlebench.parameters import Count, NonNegativeScalar

_NEAR = 0.99  # of the clipping bound: a weight beyond is at it
Law = Literal["line", "eight-gaussians", "swiss-roll"]


def exact_wasserstein(x: Tensor, y: Tensor) -> float:
    """W₁ of two sets of as many points ``(n, dimension)``, Euclidean: by sorting on the line, else by an optimal assignment.

    min over permutations π of (1/n) Σ ‖x_i − y_π(i)‖, which is W₁ of the two empirical laws (Birkhoff). NaN where a point is not
    finite.
    """
    if not (x.isfinite().all() and y.isfinite().all()):
        return math.nan
    x, y = x.double().cpu(), y.double().cpu()
    if x.shape[-1] == 1:
        return float((x.flatten().sort().values - y.flatten().sort().values).abs().mean())
    cost = torch.cdist(x, y).numpy()
    return float(cost[linear_sum_assignment(cost)].mean())


def points(law: Law, seeds: Tensor, n: int, step: int, draw: int, what: str = "points") -> Tensor:
    """``(runs, n, 1 or 2)`` float32 points.

    ``line``: N(±1, .1²), half each. ``eight-gaussians``: N(μ_k, .02²I)/√2, the μ_k evenly on a circle of radius 2. ``swiss-roll``:
    t (cos t, sin t)/7.5 with t uniform on [1.5π, 4.5π], plus normal noise of standard deviation .25/7.5. The last two as in
    Gulrajani et al. 2017.
    """
    dimension = 1 if law == "line" else 2
    noise = normal(seeds, f"{what} noise", n * dimension, step, draw).view(-1, n, dimension)
    if law == "swiss-roll":
        t = 1.5 * math.pi * (1 + 2 * uniform(seeds, what, n, step, draw))
        return ((torch.stack((t * t.cos(), t * t.sin()), -1) + 0.25 * noise) / 7.5).float()
    modes = 2 if law == "line" else 8
    angle = integers(seeds, what, n, modes, step, draw) * (2 * math.pi / modes)
    if law == "line":
        return (angle.cos().unsqueeze(-1) + 0.1 * noise).float()
    return ((2 * torch.stack((angle.cos(), angle.sin()), -1) + 0.02 * noise) / math.sqrt(2)).float()


@dataclass(frozen=True)
class PointGAN(PenalisedGAN):
    """G against a critic f on points: L_f = E f(G(z)) − E f(x), L_G = −L_f, beside the exact W₁ = max over 1-Lipschitz f of −L_f.

    ``wasserstein``: W₁ of ``evaluated`` generated and as many real points. ``critic_estimate``: E f(x) − E f(G(z)) on the same
    points; ``critic_error``: its distance to W₁, over W₁. ``critic_gradient_norm``: the mean of ‖∇f‖ between pairs of them.
    ``weights_at_clip``: the share of f's parameters that lie at ±clip, with clipping.

    Two sets of n points of one law are at a distance of order n^{−1/2} themselves, and an error relative to a distance that
    vanishes says little: judge a critic where W₁ is large, as against a generator that stays (schedule = [1]).

    Raises:
        InputError: no such loss.
    """

    law: Law = "eight-gaussians"  # of the data
    latent: Count = 2  # size of z
    width: Count = 128  # units of a hidden layer
    depth: Count = 3  # hidden layers
    batch: Count = 256  # points, and as many latents, a draw
    activation: Activation = "relu"  # of the hidden layers
    initialisation: Scheme = "xavier"  # of the weights
    loss: str = "wasserstein"  # adversarial loss by name
    evaluated: Count = 500  # points behind each measure

    @classmethod
    def small(cls) -> Self:
        """One hidden layer of 6, smooth."""
        return replace(cls(), width=6, depth=1, batch=16, activation="tanh", evaluated=20)

    @property
    def dimension(self) -> int:
        """Of a point."""
        return 1 if self.law == "line" else 2

    @cached_property
    def networks(self) -> tuple[MLP, MLP]:
        """Generator and critic."""
        hidden = (self.width,) * self.depth
        return MLP((self.latent, *hidden, self.dimension), self.activation), MLP((self.dimension, *hidden, 1), self.activation)

    @property
    def latent_size(self) -> int:
        """As given."""
        return self.latent

    @property
    def sizes(self) -> tuple[int, ...]:
        """Parameters of G and f."""
        return tuple(network.size for network in self.networks)

    def initial(self, seeds: Tensor) -> Profile:
        """Both networks by seed."""
        start = (n.initial(seeds, player, self.initialisation) for n, player in zip(self.networks, self.players, strict=True))
        return tuple(self.project(i, x) for i, x in enumerate(start))

    def sample(self, seeds: Tensor, step: int, draw: int) -> Batch:
        """Latents and real points."""
        z = normal(seeds, "latents", self.batch * self.latent, step, draw, torch.float32).view(-1, self.batch, self.latent)
        return self.completed(z, points(self.law, seeds, self.batch, step, draw), seeds, step, draw)

    def generate(self, generator: Tensor, latents: Tensor) -> Tensor:
        """Points."""
        return self.networks[0].forward(generator, latents)

    def logits(self, discriminator: Tensor, x: Tensor) -> Tensor:
        """One number a point."""
        return self.networks[1].forward(discriminator, x).squeeze(-1)

    def pair(self, profile: Profile, seeds: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """n generated and n real points ``(runs, n, dimension)`` that no training step sees."""
        fake = self.samples(profile, seeds, n)
        return fake, points(self.law, seeds, n, 0, 0, "evaluation points").to(fake.dtype)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """As the class defines them."""
        with torch.no_grad():
            fake, real = self.pair(profile, seeds, self.evaluated)
            estimate = (self.logits(profile[1], real) - self.logits(profile[1], fake)).mean(-1)
        exact = torch.tensor([exact_wasserstein(x, y) for x, y in zip(fake, real, strict=True)]).to(estimate)
        with torch.enable_grad():
            between = ((fake + real) / 2).requires_grad_()
            (slope,) = torch.autograd.grad(self.logits(profile[1].detach(), between).sum(), between)
        found = {
            "wasserstein": exact,
            "critic_estimate": estimate,
            "critic_error": (estimate - exact).abs() / exact,
            "critic_gradient_norm": length(slope).mean(-1),
        }
        if self.clip:
            found["weights_at_clip"] = (profile[1].abs() >= _NEAR * self.clip).to(estimate.dtype).mean(-1)
        return found

    def clouds(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, dict[str, Tensor]]:
        """``points``: data and generated ones; on the line the height is the critic's value."""
        with torch.no_grad():
            fake, real = self.pair(profile, seeds, 2000)
            sets = {"data": real, "generated": fake}
            if self.dimension == 1:
                sets = {name: torch.cat((x, self.logits(profile[1], x).unsqueeze(-1)), -1) for name, x in sets.items()}
        return {"points": sets}


@dataclass(frozen=True)
class WGAN(PointGAN):
    """min_G max_f E f(x) − E f(G(z)), the critic's weights kept in [−c, c]: f is then K-Lipschitz for a K that nobody knows.

    c = .01 as in the paper, which takes RMSProp at 5e-5 and five steps of the critic to one of G (``schedule`` 1,1,1,1,1,0). The
    critic estimates K·W₁ at best, so ``critic_error`` stays large. The measures are those of `PointGAN`; with clipping most weights
    end at ±c (``weights_at_clip``; Gulrajani et al. 2017, figure 1).

    Raises:
        InputError: no such loss.
    """

    name = "wgan"
    paper = "Arjovsky et al. 2017"
    default_steps = 5000

    clip: NonNegativeScalar = 0.01  # c


@dataclass(frozen=True)
class WGANGP(PointGAN):
    """min_G max_f E f(x) − E f(G(z)) − λ E (‖∇f(εx + (1 − ε)G(z))‖ − 1)²: the critic's slope is held near 1.

    λ = 10; the paper takes Adam at 1e-4 with β = (.5, .9) and five steps of the critic to one of G. A critic that is right up to
    its scale s gains sW₁ − λ(s − 1)², most at s = 1 + W₁/2λ: its estimate is too large by about that factor. The measures are those
    of `PointGAN`; without the penalty (``gradient_penalty=0``, the control) nothing bounds the slope.

    Raises:
        InputError: no such loss.
    """

    name = "wgan-gp"
    paper = "Gulrajani et al. 2017"
    default_steps = 5000

    gradient_penalty: NonNegativeScalar = 10.0  # λ
