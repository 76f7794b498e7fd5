"""GANs on a line of Gaussians."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlebench.games.gaussian_mixture import GaussianMixture
from saddlebench.games.networks.mlp import Activation
from saddlebench.parameters import Count, PositiveScalar


@dataclass(frozen=True)
class GaussianLine(GaussianMixture):
    """Two MLPs on data from Gaussians N(μ_k, σ²) of one dimension, whose means lie evenly around 0: {−4, 0, 4} by default.

    Wang, Zhang, Ba, ICLR 2020: σ = .1, 2 hidden layers of 64 tanh units, 16 latents, the minimax loss, one fixed batch of 5000.
    They take 50,000 steps of ``follow-the-ridge`` with step_size=2e-4, damping=1, adaptive=true, iterations=5, under RMSProp with
    the discriminator's weight decay 1e-4: rule={weight-decay: {rule: {adam: {betas: [0, .999]}}, weight_decay: [0, 1e-4]}}.
    Batches here are drawn anew for every step, 512 by default. The measures are those of `GaussianMixture`; of true data 99.7 %
    lie within 3σ.

    Raises:
        InputError: no such loss.
    """

    name = "gaussian-line"
    paper = "Wang et al. 2020"
    default_steps = 5000
    dimension = 1

    modes: Count = 3  # number of Gaussians
    spacing: PositiveScalar = 4.0  # distance of neighbouring means
    std: PositiveScalar = 0.1  # σ, of each Gaussian
    width: Count = 64  # units of a hidden layer
    depth: Count = 2  # hidden layers
    activation: Activation = "tanh"  # of the hidden layers
    loss: str = "minimax"  # adversarial loss by name

    def means(self, device: torch.device | None = None) -> Tensor:
        """The modes' means ``(modes, 1)``, from left to right, float32."""
        place = torch.arange(self.modes, dtype=torch.float64, device=device) - (self.modes - 1) / 2
        return (self.spacing * place).float().unsqueeze(-1)
