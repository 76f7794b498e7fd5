"""pix2pix: a conditional GAN from images to images, learnt from pairs."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.draws import bits
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.image_data import ImageData
from saddlebench.games.losses import AdversarialLoss, adversarial_loss
from saddlebench.games.network_game import AnyNetwork, NetworkGame, Networks
from saddlebench.games.networks.network import Scheme, unfold
from saddlebench.games.networks.patchgan import PatchGAN
from saddlebench.games.networks.unet import UNet
from saddlebench.parameters import Count, NonNegativeScalar, Share

_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601-2
_CHUNK = 250  # pairs translated at a time for evaluation
_SHOWN = 8  # pairs in a picture


class Pairs(NamedTuple):
    """A sample.

    Attributes:
        y: images ``(runs, batch, channels, side, side)`` in [−1, 1], of which x is made.
        kept: ``(runs, batch, noise)``, 1 where dropout keeps a number and 0 where it does not.
    """

    y: Tensor
    kept: Tensor


class Completed(Networks):
    """One batch: what G makes of x, and D's opinions of it and of the truth."""

    game: "Pix2Pix"
    sample: Pairs

    @cached_property
    def y(self) -> Tensor:
        """The truth."""
        return self.sample.y.to(self.profile[0].dtype)

    @cached_property
    def x(self) -> Tensor:
        """What G is told."""
        return self.game.told(self.y)

    @cached_property
    def fake(self) -> Tensor:
        """G(x)."""
        return self.translated(self.x, self.sample.kept)

    def translated(self, x: Tensor, kept: Tensor) -> Tensor:
        """G(x) under dropout."""
        scope = self.scope("generator")
        scope = replace(scope, extra={"masks": kept.to(x.dtype) / (1 - self.game.dropout)})
        return unfold(self.game.unet.forward(x, scope), scope.runs)

    def logits(self, y: Tensor) -> Tensor:
        """D(x, y) of every patch of every image, ``(runs, batch·patches)``."""
        return self("discriminator", torch.cat((self.x, y), 2))


@dataclass(frozen=True)
class Pix2Pix(ImageData, NetworkGame):
    """A U-Net G(x) against a PatchGAN D(x, y): L_G = E sp(−D(x, G(x))) + 100·E|y − G(x)|, L_D = E sp(−D(x, y)) + E sp(D(x, G(x))).

    Isola et al. 2017; sp(t) = log(1 + eᵗ), means over patches and pixels. The only noise is dropout in G, in evaluation too. The
    paper halves L_D, to which Adam is blind. Its own data are pairs of 256 pixels; here x is made of the images of a data set:
    their left half, the right one in mid-grey (``half-to-whole``), or their luma (``grey-to-colour``). With
    ``adversarial_weight = 0`` G has the L1 term alone: the control.

    Measures of test images: ``held_out_error`` E|y − G(x)|, ``held_out_psnr`` E 10·log₁₀(4/mean (y − G(x))²) in dB, and the image
    measures of the data set, Fréchet distance first, of G's test images.

    Raises:
        InputError: no such loss; grey images to be coloured; a batch larger than the data set.
    """

    name = "pix2pix"
    paper = "Isola et al. 2017"
    default_steps = 60000  # 1 epoch of batches of one
    seen = Completed

    data: str = "mnist"  # a data set of `saddlebench data list`, or a folder of images
    batch: Count = 1  # pairs a draw
    task: Literal["half-to-whole", "grey-to-colour"] = "half-to-whole"  # what x keeps of y
    generator_width: Count = 64  # channels of the first stage
    discriminator_width: Count = 64  # channels of the first stage
    halvings: Count = 1  # of D: 1 sees patches of 16 × 16 pixels, 2 of 34 × 34, 3 of 70 × 70
    loss: Literal["non-saturating", "lsgan", "hinge"] = "non-saturating"  # adversarial loss
    adversarial_weight: NonNegativeScalar = 1.0  # of G's adversarial term
    l1_weight: NonNegativeScalar = 100.0  # λ, of E|y − G(x)|
    dropout: Share = 0.5  # in G's first decoder stages
    initialisation: Scheme = "normal"  # of the weights
    evaluated: Count = 500  # test pairs behind the measures
    metrics: str = "reference=test&n_fake=2000"  # settings of its image measures; "none": without

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task == "grey-to-colour" and self.shape[0] != 3:
            raise InputError(f"{self.name}: {self.data} has grey images, which cannot be coloured: give data in colour (cifar10)")
        if self.dropout == 1:
            raise InputError(f"{self.name}: a dropout of 1 drops everything: give one below 1")

    @classmethod
    def small(cls) -> Self:
        """One channel, batches of 2."""
        return cls(generator_width=1, discriminator_width=2, batch=2, initialisation="xavier", evaluated=4, metrics="none")

    @property
    def adversarial(self) -> AdversarialLoss:
        """By name."""
        return adversarial_loss(self.loss)

    @property
    def image_measures(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - here it depends on a parameter
        """Those of the data set, of G's translations of test images."""
        return "" if self.metrics == "none" else f"{self.data}?{self.metrics}"

    @cached_property
    def unet(self) -> UNet:
        """G."""
        channels, side = self.shape
        return UNet(1 if self.task == "grey-to-colour" else channels, channels, side, self.generator_width)

    @cached_property
    def owned(self) -> dict[str, dict[str, AnyNetwork]]:
        """G and D, which sees x and y."""
        unet = self.unet
        patches = PatchGAN(unet.inputs + unet.outputs, unet.side, self.discriminator_width, self.halvings, affine=True)
        return {"generator": {"generator": unet}, "discriminator": {"discriminator": patches}}

    def told(self, y: Tensor) -> Tensor:
        """x: the left half of y, or its luma, ``(runs, batch, channels, side, side)``."""
        if self.task == "grey-to-colour":
            weights = torch.tensor(_LUMA, dtype=y.dtype, device=y.device)[:, None, None]
            return (y * weights).sum(2, keepdim=True)
        half = y.shape[-1] // 2
        return torch.cat((y[..., :half], torch.zeros_like(y[..., half:])), -1)

    def sample(self, seeds: Tensor, step: int, draw: int) -> Pairs:
        """Images, and what dropout keeps."""
        y, _ = self.drawn(seeds, step, draw)
        return Pairs(y, self._kept(seeds, "dropout", y.shape[1], step, draw))

    def _kept(self, seeds: Tensor, what: str, images: int, step: int = 0, draw: int = 0) -> Tensor:
        numbers = bits(seeds, what, step, draw, images * self.unet.noise)
        return (numbers >= self.dropout * 2**32).float().unflatten(-1, (images, -1))

    def player_loss(self, i: int, seen: Completed) -> Tensor:
        """L_G or L_D."""
        if i == 1:
            return self.adversarial.discriminator(seen.logits(seen.y), seen.logits(seen.fake))
        loss = self.l1_weight * (seen.y - seen.fake).abs().flatten(1).mean(-1)
        if self.adversarial_weight:
            loss = loss + self.adversarial_weight * self.adversarial.generator(seen.logits(seen.fake))
        return loss

    def _translated(self, profile: Profile, seeds: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """x, G(x) and y of the first n test images, ``(runs, n, channels, side, side)``."""
        y, _ = self.held_out(n, seeds.device)
        y = y.to(profile[0].dtype).expand(len(seeds), *y.shape)
        x, seen, parts = self.told(y), Completed(self, profile), []
        with torch.no_grad():
            for k, part in enumerate(x.split(_CHUNK, 1)):
                parts.append(seen.translated(part, self._kept(seeds, "evaluation dropout", part.shape[1], k)))
        return x, torch.cat(parts, 1), y

    def samples(self, profile: Profile, seeds: Tensor, n: int, buffers: Buffers = ()) -> Tensor:
        """G(x) of the first n test images; grey ones without the channels."""
        _, fake, _ = self._translated(profile, seeds, n)
        return fake.squeeze(2) if fake.shape[2] == 1 else fake

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``held_out_error`` and ``held_out_psnr``, as the class defines them."""
        _, fake, y = self._translated(profile, seeds, self.evaluated)
        square = (y - fake).square().flatten(2).mean(-1)
        return {
            "held_out_error": (y - fake).abs().flatten(1).mean(-1),
            "held_out_psnr": (10 * (4 / square).log10()).mean(-1),
        }

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """Test images in rows: x, G(x), y."""
        x, fake, y = self._translated(profile, seeds, _SHOWN)
        return {"translations": torch.stack((x.expand_as(y), fake, y), 2)}
