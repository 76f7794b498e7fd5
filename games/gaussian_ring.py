"""GANs on a ring of Gaussians."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from saddlebench.games.gaussian_mixture import GaussianMixture
from saddlebench.games.networks.mlp import Activation
from saddlebench.parameters import Count, PositiveScalar


@dataclass(frozen=True)
class GaussianRing(GaussianMixture):
    """Two MLPs on data from Gaussians N(μ_k, σ²I) whose means lie evenly on a circle: mode coverage in two dimensions.

    The defaults are the mixture of Mescheder, Nowozin, Geiger, NIPS 2017 and of their notebook: R = 1, σ = .01, both networks
    with 4 hidden layers of 16 ReLUs, Glorot's initial weights, 16 normal latents, batches of 512 with as many points of each mode,
    the non-saturating loss. They train 50,000 steps of RMSProp with η = 1e-4, consensus optimization with γ = 10. Other papers'
    rings of 8, as their code has them (k_D = 5 is the ``schedule`` 1,1,1,1,1,0 of alternating-gradient):

        ======================  ============================================================================================
        Metz et al. 2017        radius=2, std=.02, latent=256, width=128, depth=2, discriminator_depth=1,
                                initialisation=orthogonal (theirs has gain .8); Adam 1e-4, β₁ = .5
        Gulrajani et al. 2017   radius=1.41443, std=.0141443 (R = 2, σ = .02, both divided by 1.414), width=512, depth=3, latent=2,
                                batch=256, loss=wasserstein, gradient_penalty=.1; k_D = 5, Adam 1e-4, β = (.5, .9)
        Nie & Patel 2019        radius=2, std=.06
        Zhang et al. 2020       radius=2, std=.1
        Fiez et al. 2020        radius=1, std=.05; η = 4e-4
        ======================  ============================================================================================

    The measures ``modes_covered``, ``high_quality_fraction`` and ``mode_kl`` are those of `GaussianMixture`.

    Raises:
        InputError: no such loss.
    """

    name = "gaussian-ring"
    paper = "Mescheder et al. 2017"
    default_steps = 5000

    modes: Count = 8  # number of Gaussians
    radius: PositiveScalar = 1.0  # R, of the circle of means

    def means(self, device: torch.device | None = None) -> Tensor:
        """The modes' means ``(modes, 2)``, counter-clockwise from (R, 0), float32."""
        angle = torch.arange(self.modes, dtype=torch.float64, device=device) * (2 * math.pi / self.modes)
        return (self.radius * torch.stack((angle.cos(), angle.sin()), -1)).float()


@dataclass(frozen=True)
class TutorialGAN(GaussianRing):
    """G: z ∈ R⁴ → 64 → x, D: x → 64 → σ(D(x)), one hidden layer each: small enough for whole spectra (707 parameters).

    The one-hidden-layer GAN of Lorraine's GAN tutorial, trained by Adam "with settings from BigGAN": β = (0, .999), η_G = 5e-5, η_D
    = 2e-4, i.e. ``adam`` with step_size=[5e-5, 2e-4], betas=[0, 0.999]. Its slides give neither data nor activation, batch or loss.
    Filled in by us: a ring of 8 Gaussians with R = 2 and σ = .1, tanh, so that second derivatives are not zero almost everywhere,
    batches of 256, Glorot's initial weights, the non-saturating loss.
    """

    name = "tutorial-gan"
    paper = "Lorraine, GAN tutorial"

    radius: PositiveScalar = 2.0  # R, of the circle of means
    std: PositiveScalar = 0.1  # σ, of each Gaussian
    width: Count = 64  # units of the hidden layer
    depth: Count = 1  # hidden layers
    latent: Count = 4  # size of z
    batch: Count = 256  # real samples, and as many latents, a draw
    activation: Activation = "tanh"  # of the hidden layer
