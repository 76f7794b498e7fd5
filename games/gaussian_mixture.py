"""What the GANs on mixtures of Gaussians share: networks, batches, mode coverage."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.gan import Batch
from saddlebench.games.networks.mlp import MLP, Activation
from saddlebench.games.networks.network import Scheme
from saddlebench.games.regularisation import PenalisedGAN
from saddlebench.parameters import Count, PositiveScalar

_EVALUATED = 2500  # generated samples a run, as in VEEGAN and PacGAN
_HIGH_QUALITY = 3.0  # standard deviations from the nearest mode, likewise


@dataclass(frozen=True)
class GaussianMixture(PenalisedGAN):
    """Two MLPs on data from Gaussians N(μ_k, σ²I) with equal weights, as many points of each mode a batch.

    The batch's j-th point belongs to mode j mod k. Ours: the rotation of the modes from step to step where they do not divide the
    batch, and the measures, which are those of VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018) on 2,500 samples:

    ``modes_covered``: modes that are the nearest one of at least one high-quality sample, i.e. one within 3σ of it;
    ``high_quality_fraction``: of the samples (true data in the plane has 1 − e^{−9/2} = .989); ``mode_kl``: KL(q‖uniform) in
    nats, q the histogram of all samples' nearest modes, 0 for a perfect one and log k where all fall to one mode or none is finite.

    Raises:
        InputError: no such loss.
    """

    dimension = 2  # of the data

    std: PositiveScalar = 0.01  # σ, of each Gaussian
    width: Count = 16  # units of a hidden layer
    depth: Count = 4  # hidden layers
    latent: Count = 16  # size of z
    batch: Count = 512  # real samples, and as many latents, a draw
    activation: Activation = "relu"  # of the hidden layers
    initialisation: Scheme = "xavier"  # of the weights
    discriminator_depth: Count | None = None  # hidden layers of D; None: as many as G has

    @classmethod
    def small(cls) -> Self:
        """One hidden layer of 8, batches of 32."""
        return cls(width=8, depth=1, latent=4, batch=32)

    @abstractmethod
    def means(self, device: torch.device | None = None) -> Tensor:
        """The modes' means ``(modes, dimension)``, float32."""

    @cached_property
    def networks(self) -> tuple[MLP, MLP]:
        """Generator and discriminator."""
        depth = self.discriminator_depth or self.depth
        generator = MLP((self.latent, *(self.width,) * self.depth, self.dimension), self.activation)
        return generator, MLP((self.dimension, *(self.width,) * depth, 1), self.activation)

    @property
    def latent_size(self) -> int:
        """As given."""
        return self.latent

    @property
    def sizes(self) -> tuple[int, ...]:
        """Parameters of G and D."""
        return tuple(network.size for network in self.networks)

    def initial(self, seeds: Tensor) -> Profile:
        """Both networks by seed."""
        start = (n.initial(seeds, player, self.initialisation) for n, player in zip(self.networks, self.players, strict=True))
        return tuple(self.project(i, x) for i, x in enumerate(start))

    def sample(self, seeds: Tensor, step: int, draw: int) -> Batch:
        """Latents ``(runs, batch, latent)`` and real points ``(runs, batch, dimension)``, both from one draw of normals."""
        split = self.batch * self.latent
        noise = normal(seeds, "sample", split + self.dimension * self.batch, step, draw, torch.float32)
        means = self.means(seeds.device)
        # Consecutive batches go on where the last one stopped, so that modes stay balanced for any size of the batch.
        mode = (torch.arange(self.batch, device=seeds.device) + self.batch * (step + draw)) % len(means)
        real = means[mode] + self.std * noise[:, split:].view(-1, self.batch, self.dimension)
        return self.completed(noise[:, :split].view(-1, self.batch, self.latent), real, seeds, step, draw)

    def generate(self, generator: Tensor, latents: Tensor) -> Tensor:
        """Points."""
        return self.networks[0].forward(generator, latents)

    def logits(self, discriminator: Tensor, x: Tensor) -> Tensor:
        """One logit a point."""
        return self.networks[1].forward(discriminator, x).squeeze(-1)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``modes_covered``, ``high_quality_fraction`` and ``mode_kl``, as the class defines them."""
        with torch.no_grad():
            points = self.samples(profile, seeds, _EVALUATED)
            means = self.means(points.device).to(points.dtype)
            modes = len(means)
            distance, nearest = (points.unsqueeze(-2) - means).square().sum(-1).sqrt().min(-1)
            finite, good = distance.isfinite(), distance <= _HIGH_QUALITY * self.std  # a NaN is neither
            member = nearest.unsqueeze(-1) == torch.arange(modes, device=points.device)
            covered = (member & good.unsqueeze(-1)).any(1).sum(-1)
            counts = (member & finite.unsqueeze(-1)).sum(1).double()
            share = counts / counts.sum(-1, keepdim=True).clamp(min=1)
            divergence = torch.where(counts.sum(-1) > 0, torch.xlogy(share, share * modes).sum(-1), math.log(modes))
            return {
                "modes_covered": covered.to(points.dtype),
                "high_quality_fraction": good.to(points.dtype).mean(-1),
                "mode_kl": divergence.to(points.dtype),
            }
