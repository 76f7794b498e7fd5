"""A GAN of perceptrons on MNIST."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.data import available, load
from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.latents import LatentLaw
from saddlebench.games.losses import AdversarialLoss, adversarial_loss
from saddlebench.games.networks.gan import GAN, Batch
from saddlebench.games.networks.mlp import MLP, Activation
from saddlebench.games.networks.network import Scheme
from saddlebench.games.shuffling import batch_of_epoch
from saddlebench.parameters import Count

_SIDE = 28  # pixels


def _require_digits() -> None:
    if not available("mnist"):
        raise InputError("mnist-mlp needs MNIST, which is not in the data cache: run `saddlebench data fetch mnist` first")


@lru_cache(maxsize=2)
def training_images(device: torch.device) -> Tensor:
    """MNIST's training images ``(60000, 784)`` as uint8, once a device and process (47 MB).

    Raises:
        InputError: the data set is not in the cache.
    """
    _require_digits()
    images, _ = load("mnist", "train")
    return torch.from_numpy(images).flatten(1).to(device)


@dataclass(frozen=True)
class MnistMLP(LatentLaw, GAN):
    """Two MLPs on the 60,000 training images of MNIST, 784 pixels in [−1, 1]: the fully connected GAN of Goodfellow et al. 2014.

    The widths, leaky ReLUs, tanh output and batch are ours, chosen so that recognisable digits appear in 20 epochs of Adam
    with η = 5e-4, β = (.5, .999) at minutes of one CPU core. Every image is drawn once an epoch, in an order of its own by seed
    and epoch, which is ``steps_per_epoch`` steps; the remainder of an epoch that is no whole batch is left out, other images
    each time. An optimizer that asks for more than one sample a step (ExtraAdam) has an order for each of them, so it sees every
    image as often an epoch as it draws samples a step. No training image is copied per run: they lie on the device once, as uint8.

    Raises:
        InputError: no such loss; the batch is larger than the data set.
    """

    name = "mnist-mlp"
    paper = "Goodfellow et al. 2014"
    image_measures = "mnist"
    default_steps = 12000  # 20 epochs of the default batch

    latent: Count = 64  # size of z
    width: Count = 256  # units of a hidden layer
    depth: Count = 2  # hidden layers
    batch: Count = 100  # images, and as many latents, a draw
    loss: str = "non-saturating"  # adversarial loss by name
    activation: Activation = "leaky-relu"  # of the hidden layers
    initialisation: Scheme = "xavier"  # of the weights

    def __post_init__(self) -> None:
        adversarial_loss(self.loss)
        if self.batch > self.items:
            raise InputError(f"mnist-mlp: a batch of {self.batch} is larger than the data set of {self.items}")

    def ready(self) -> None:
        """The digits must be in the data cache."""
        _require_digits()

    @classmethod
    def small(cls) -> Self:
        """One hidden layer of 8, batches of 10."""
        return cls(latent=4, width=8, depth=1, batch=10)

    @property
    def items(self) -> int:
        """Training images."""
        return 60000

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of the training images."""
        return self.items // self.batch

    @property
    def adversarial(self) -> AdversarialLoss:
        """By name."""
        return adversarial_loss(self.loss)

    @cached_property
    def networks(self) -> tuple[MLP, MLP]:
        """Generator and discriminator."""
        hidden, pixels = (self.width,) * self.depth, _SIDE * _SIDE
        generator = MLP((self.latent, *hidden, pixels), self.activation, "tanh")
        return generator, MLP((pixels, *hidden, 1), self.activation)

    @property
    def latent_size(self) -> int:
        """As given."""
        return self.latent

    @property
    def sizes(self) -> tuple[int, ...]:
        """Parameters of G and D."""
        return tuple(network.size for network in self.networks)

    def initial(self, seeds: Tensor) -> Profile:
        """Both networks by seed.

        Raises:
            InputError: the data set is missing; said here so that a run without it fails before it starts.
        """
        training_images(seeds.device)
        return tuple(
            network.initial(seeds, player, self.initialisation) for network, player in zip(self.networks, self.players, strict=True)
        )

    def indices(self, seeds: Tensor, step: int, draw: int) -> Tensor:
        """Which training images a sample holds, ``(runs, batch)``."""
        return batch_of_epoch(seeds, step, draw, self.batch, self.items)

    def sample(self, seeds: Tensor, step: int, draw: int) -> Batch:
        """Latents ``(runs, batch, latent)`` and images ``(runs, batch, 784)`` in [−1, 1]."""
        z = normal(seeds, "latents", self.batch * self.latent, step, draw, torch.float32)
        images = training_images(seeds.device)[self.indices(seeds, step, draw)]
        return Batch(self.shaped(z).view(-1, self.batch, self.latent), images.float().div_(127.5).sub_(1))

    def evaluation_latents(self, seeds: Tensor, n: int) -> Tensor:
        """``(runs, n, latent)``, which no training step sees."""
        return self.shaped(super().evaluation_latents(seeds, n))

    def generate(self, generator: Tensor, latents: Tensor) -> Tensor:
        """Images as rows of 784 pixels in [−1, 1]."""
        return self.networks[0].forward(generator, latents)

    def logits(self, discriminator: Tensor, x: Tensor) -> Tensor:
        """One logit an image."""
        return self.networks[1].forward(discriminator, x).squeeze(-1)

    def from_latents(
        self, profile: Profile, latents: Tensor, seeds: Tensor, buffers: Buffers = (), labels: Tensor | None = None
    ) -> Tensor:
        """``(runs, n, 28, 28)`` in [−1, 1]."""
        return super().from_latents(profile, latents, seeds).unflatten(-1, (_SIDE, _SIDE))
