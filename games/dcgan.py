"""DCGANs on MNIST, Fashion-MNIST and CIFAR-10."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

from saddlebench.games.image_gan import ImageGAN
from saddlebench.games.networks import dcgan
from saddlebench.games.networks.network import Critic, Network
from saddlebench.parameters import Count, Natural


@dataclass(frozen=True)
class DCGAN(ImageGAN):
    """Convolutions that double and halve, without residual connections: `saddlebench.games.networks.dcgan` has the details."""

    norm: dcgan.Norm = "batch"  # of the discriminator
    generator_norm: dcgan.GeneratorNorm = "batch"  # of the generator
    upsampling: Literal["transposed", "nearest"] = "transposed"  # of the generator; nearest: resize, then convolve
    kernels: Natural = 0  # of minibatch discrimination in the discriminator; 0: without

    @cached_property
    def networks(self) -> tuple[Network, Critic]:
        """Generator and discriminator."""
        channels, side = self.shape
        generator = dcgan.Generator(
            self.latent, channels, side, self.generator_width, self.classes, self.generator_norm, self.upsampling, self.shaped
        )
        return generator, dcgan.Discriminator(channels, side, self.discriminator_width, self.norm, self.classes, self.kernels)

    @classmethod
    def small(cls) -> Self:
        """Two channels, batches of 6, weights of ordinary size: finite differences need steps that are small beside them."""
        return cls(latent=4, generator_width=2, discriminator_width=2, batch=6, initialisation="xavier")


@dataclass(frozen=True)
class MnistDCGAN(DCGAN):
    """x = G(z) against D(x) by convolutions, L_D = E sp(−D(x)) + E sp(D(G(z))), on MNIST: a DCGAN of 7 → 14 → 28 pixels.

    64 channels and latents of 100 as in the paper.
    """

    name = "mnist-dcgan"
    paper = "Radford et al. 2016"
    default_steps = 9370  # 10 epochs

    data: str = "mnist"  # a data set of `saddlebench data list`, or a folder of images
    latent: Count = 100  # size of z, standard normal


@dataclass(frozen=True)
class FashionMnistDCGAN(DCGAN):
    """x = G(z) against D(x) by convolutions, L_D = E sp(−D(x)) + E sp(D(G(z))), on Fashion-MNIST: the DCGAN of MNIST."""

    name = "fashion-mnist-dcgan"
    paper = "Radford et al. 2016"
    default_steps = 9370  # 10 epochs

    data: str = "fashion-mnist"  # a data set of `saddlebench data list`, or a folder of images
    latent: Count = 100  # size of z, standard normal


@dataclass(frozen=True)
class Cifar10DCGAN(DCGAN):
    """x = G(z) against D(x) by convolutions, L_D = E sp(−D(x)) + E sp(D(G(z))), on CIFAR-10: 3.81 M and 2.93 M parameters."""

    name = "cifar10-dcgan"
    paper = "Radford et al. 2016; Kurach et al. 2019"
    default_steps = 50000

    data: str = "cifar10"  # a data set of `saddlebench data list`, or a folder of images
