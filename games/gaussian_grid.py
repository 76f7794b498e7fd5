"""GANs on a square grid of Gaussians."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlebench.games.gaussian_mixture import GaussianMixture
from saddlebench.parameters import Count, PositiveScalar


@dataclass(frozen=True)
class GaussianGrid(GaussianMixture):
    """Two MLPs on data from Gaussians N(μ_k, σ²I) whose means form a k × k grid around 0: 9, 16 or 25 modes.

    The default data are the 25 Gaussians of Gulrajani et al., NIPS 2017: means 2·{−2, …, 2}², noise .05, all divided by 2.828.
    The default networks, ours, have 3 hidden layers of 128 ReLUs and 2 latents, and play the non-saturating loss. The papers' own:

        ======================  ============================================================================================
        Gulrajani et al. 2017   width=512, loss=wasserstein, gradient_penalty=.1; 100,000 steps of alternating-gradient with
                                step_size=1e-4, schedule=[1,1,1,1,1,0], rule={adam: {betas: [.5, .9]}}
        Balduzzi et al. 2018    side=4, spacing=1, std=.02, width=384, depth=6, latent=64; RMSProp 1e-4, 10,001 steps
        Wang et al. 2020        side=3, spacing=3, std=.1, width=64, depth=2, latent=16, activation=tanh, loss=minimax,
                                batch=5000; follow-the-ridge as `gaussian-line` has it
        ======================  ============================================================================================

    The measures ``modes_covered``, ``high_quality_fraction`` and ``mode_kl`` are those of `GaussianMixture`.

    Raises:
        InputError: no such loss.
    """

    name = "gaussian-grid"
    paper = "Gulrajani et al. 2017"
    default_steps = 5000

    side: Count = 5  # Gaussians along a side: 3, 4 or 5 in the papers
    spacing: PositiveScalar = 2 / 2.828  # distance of neighbouring means
    std: PositiveScalar = 0.05 / 2.828  # σ, of each Gaussian
    width: Count = 128  # units of a hidden layer
    depth: Count = 3  # hidden layers
    latent: Count = 2  # size of z
    batch: Count = 256  # real samples, and as many latents, a draw

    def means(self, device: torch.device | None = None) -> Tensor:
        """The modes' means ``(side², 2)``, row by row from the lower left, float32."""
        line = self.spacing * (torch.arange(self.side, dtype=torch.float64, device=device) - (self.side - 1) / 2)
        return torch.cartesian_prod(line, line).flip(-1).float()
