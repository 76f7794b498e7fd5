"""Residual GANs on CIFAR-10."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

from saddlebench.games.image_gan import ImageGAN
from saddlebench.games.networks import resnet
from saddlebench.games.networks.network import Critic, Network, Scheme
from saddlebench.parameters import Count


@dataclass(frozen=True)
class Cifar10ResNet(ImageGAN):
    """Residual x = G(z) against D(x), L_D = E(1 − D(x))₊ + E(1 + D(G(z)))₊, on CIFAR-10: SN-GAN's, 4.28 M and 1.05 M parameters.

    WGAN-GP's (Gulrajani et al. 2017) are the same with ``norm = "none"``, ``pool = "mean"``, ``generator_width = 128``,
    ``loss = "wasserstein"`` and ``gradient_penalty = 10``. The conditional form has class-conditional batch norm and a projection
    discriminator (Miyato & Koyama 2018): 4.30 M and 1.06 M.
    """

    name = "cifar10-resnet"
    paper = "Miyato et al. 2018; Gulrajani et al. 2017"
    default_steps = 100000

    loss: str = "hinge"  # adversarial loss by name
    generator_width: Count = 256  # channels
    discriminator_width: Count = 128  # channels
    initialisation: Scheme = "xavier"  # of the weights
    norm: Literal["spectral", "none"] = "spectral"  # of the discriminator
    pool: Literal["sum", "mean"] = "sum"  # over pixels, before the discriminator's last layer

    @cached_property
    def networks(self) -> tuple[Network, Critic]:
        """Generator and discriminator."""
        channels, side = self.shape
        generator = resnet.Generator(self.latent, channels, side, self.generator_width, self.classes)
        return generator, resnet.Discriminator(channels, side, self.discriminator_width, self.norm, self.pool, self.classes)

    @classmethod
    def small(cls) -> Self:
        """Two channels, batches of 6."""
        return cls(latent=4, generator_width=2, discriminator_width=2, batch=6)
