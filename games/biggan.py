"""BigGAN and BigGAN-deep."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.draws import integers
from saddlebench.games.image_gan import ImageGAN
from saddlebench.games.networks import biggan, biggan_deep
from saddlebench.games.networks.gan import Batch
from saddlebench.games.networks.network import Critic, Network, Scheme
from saddlebench.games.penalties.orthogonal import Orthogonality
from saddlebench.games.penalties.penalty import Penalty
from saddlebench.parameters import Count, Natural, NonNegativeScalar, PositiveScalar


@dataclass(frozen=True)
class BigGAN(ImageGAN):
    """Class-conditional x = G(z, y) against D(x, y), L_D = E(1 − D(x))₊ + E(1 + D(G(z)))₊: every part of BigGAN, 16 to 256 px.

    `saddlebench.games.networks.biggan` has the networks. The defaults are the paper's for a network of its width (96), on
    CIFAR-10. At 128 px (``side = 128, latent = 120``) G and D have 70.4 M and 88.0 M parameters for 1,000 classes, trained by
    ``alternating-gradient`` with schedule [1, 1, 0], Adam with β = (0, .999), η_G = 5e-5, η_D = 2e-4 and batches of 2048, and
    judged by a ``moving-average`` of decay .9999 from step 20,000 on. Common CIFAR-10 settings: one width, 64, for both, batches
    of 50, four moves of D to one of G, η = 2e-4; or widths 96 and 48, batches of 64, five moves, β = (.5, .999).

    Generated images are asked for classes drawn by themselves, unless ``paired``. Truncation and standing statistics concern what
    is shown and judged, not training.

    Raises:
        InputError: as `ImageGAN`; no network for the side; a latent, an attention or a penalty that does not fit.
    """

    name = "biggan"
    paper = "Brock et al. 2019"
    default_steps = 100000

    loss: str = "hinge"  # adversarial loss by name
    latent: Count = 80  # size of z; a hierarchical one is cut into a chunk a block and one more
    generator_width: Count = 96  # unit of G's channels
    discriminator_width: Count = 96  # unit of D's channels
    conditional: bool = True  # networks that are told the class
    initialisation: Scheme = "orthogonal"  # of the weights
    flip: bool = True  # mirror half of the real images
    joint: bool = False  # D judges the real and the generated batch in one pass: the same, faster on a GPU, more memory
    paired: bool = False  # generated images are asked for the classes of the batch's real ones
    shared: Natural = 128  # size of the class embedding that G's norms share; 0: each has its own gains and biases
    hierarchical: bool = True  # z goes into every block
    attention: Natural | None = None  # side of the map with self-attention; 0: none; None: half the image's, at most 64
    spectral: Literal["both", "generator", "discriminator", "none"] = "both"  # whose weights are spectrally normalised
    slope: NonNegativeScalar = 0.0  # of the activations below 0
    norm_epsilon: PositiveScalar = 1e-5  # ε of batch norm
    orthogonal: NonNegativeScalar = 1e-4  # β of G's orthogonal regularisation
    truncation: NonNegativeScalar = 0.0  # |z_i| ≤ this where images are shown or judged; 0: any z

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.conditional and not self.paired and (self.gradient_penalty or self.r2):
            raise InputError(f"{self.name}: gradient_penalty and r2 judge generated images by their class: set paired = true")
        _ = self.networks  # sizes that do not fit are found before anything runs

    @classmethod
    def small(cls) -> Self:
        """16 px, two channels, batches of 6."""
        return cls(side=16, latent=6, generator_width=2, discriminator_width=2, shared=3, batch=6, standing_batches=2)

    @property
    def attended(self) -> int:
        """The side of the map with self-attention, or 0."""
        return min(64, self.shape[1] // 2) if self.attention is None else self.attention

    @property
    def forms(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the generators of both families are built from, and their discriminators."""
        channels, side = self.shape
        both = {"channels": channels, "side": side, "classes": self.classes, "attention": self.attended, "slope": self.slope}
        in_g, in_d = (self.spectral in (player, "both") for player in self.players)
        generator = {"latent": self.latent, "shared": self.shared, "hierarchical": self.hierarchical, "epsilon": self.norm_epsilon}
        return (
            {**both, **generator, "width": self.generator_width, "spectral": in_g},
            {**both, "width": self.discriminator_width, "spectral": in_d},
        )

    @cached_property
    def networks(self) -> tuple[Network, Critic]:
        """Generator and discriminator."""
        generator, discriminator = self.forms
        return biggan.Generator(**generator), biggan.Discriminator(**discriminator)

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        """Orthogonal regularisation of G, all but the shared embedding, besides those of every GAN."""
        own = (Orthogonality(self.orthogonal, network=self.networks[0], spared=("shared",)),) if self.orthogonal else ()
        return *super().penalties, *own

    def sample(self, seeds: Tensor, step: int, draw: int) -> Batch:
        """As of any image GAN, with the classes that generated images are asked for."""
        batch = super().sample(seeds, step, draw)
        if not self.conditional or self.paired:
            return batch
        return batch._replace(asked=integers(seeds, "classes", self.batch, self.classes, step, draw))

    def shown(self, z: Tensor) -> Tensor:
        """Latents for evaluation: truncated ones are √2 erf⁻¹(erf(z/√2) erf(t/√2)), which has the law of z given |z| ≤ t.

        The same normals give images of one kind at every t, ever closer to the typical one as t falls.
        """
        t = self.truncation
        if not t:
            return self.shaped(z)
        if self.latent_law == "uniform":
            return self.shaped(z) * min(t, 1.0)
        share = torch.special.erf(z / math.sqrt(2)) * math.erf(t / math.sqrt(2))
        return (math.sqrt(2) * torch.special.erfinv(share)).clamp(-t, t)


@dataclass(frozen=True)
class BigGANDeep(BigGAN):
    """Class-conditional x = G(z, y) against D(x, y), hinge losses, at 16 to 256 px: the deeper form, of bottleneck blocks.

    `saddlebench.games.networks.biggan_deep` has the networks: 50.4 M and 34.6 M parameters at 128 px for 1,000 classes.

    Raises:
        InputError: as `BigGAN`.
    """

    name = "biggan-deep"
    paper = "Brock et al. 2019"

    latent: Count = 128  # size of z
    generator_width: Count = 128  # unit of G's channels
    discriminator_width: Count = 128  # unit of D's channels
    depth: Count = 2  # blocks a resolution
    outputs: Natural = 128  # of G's last convolution, of which the first are the image; 0: as many as the image has

    @classmethod
    def small(cls) -> Self:
        """16 px, two channels, blocks of one."""
        return cls(
            side=16, latent=4, generator_width=2, discriminator_width=2, shared=3, batch=6, standing_batches=2, depth=1, outputs=0
        )

    @cached_property
    def networks(self) -> tuple[Network, Critic]:
        """Generator and discriminator."""
        generator, discriminator = self.forms
        return (
            biggan_deep.Generator(**generator, depth=self.depth, outputs=self.outputs),
            biggan_deep.Discriminator(**discriminator, depth=self.depth),
        )
