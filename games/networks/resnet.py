"""Residual generator and discriminator: SN-GAN's and WGAN-GP's networks at 32 px.

Generator block: BN – ReLU – up – conv3 – BN – ReLU – conv3, plus conv1(up(x)). Discriminator block: ReLU – conv3 – ReLU – conv3 –
pool, plus the shortcut; the first has no ReLU before its first convolution and pools before its shortcut's.
Sources: Gulrajani et al. 2017 (appendix), Miyato et al. 2018 (appendix B.4), Miyato & Koyama 2018 for the conditional form.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from saddlebench.games.networks.dcgan import doublings
from saddlebench.games.networks.layers import BatchNorm, ConditionalBatchNorm, Conv, Linear, as_image, rectified, summed
from saddlebench.games.networks.network import Layer, Network, Scope, fold
from saddlebench.games.networks.projection import Projecting


@dataclass(frozen=True)
class GeneratorBlock:
    """BN – ReLU – up – conv3 – BN – ReLU – conv3, plus conv1(up(x)); upsampling repeats pixels."""

    name: str
    inputs: int
    outputs: int
    classes: int = 0

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Two norms, two convolutions and the shortcut's."""
        norms = [
            ConditionalBatchNorm(f"{self.name}.norm{k}", c, self.classes) if self.classes else BatchNorm(f"{self.name}.norm{k}", c)
            for k, c in enumerate((self.inputs, self.outputs))
        ]
        convs = [Conv(f"{self.name}.conv{k}", c, self.outputs, 3, 1, 1) for k, c in enumerate((self.inputs, self.outputs))]
        return *norms, *convs, Conv(f"{self.name}.shortcut", self.inputs, self.outputs, 1)

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Folded images of twice the side."""
        norm0, norm1, conv0, conv1, shortcut = self.layers
        h = conv0(doubled(norm0(x, scope).relu()), scope)
        h = conv1(norm1(h, scope).relu(), scope)
        return h + shortcut(doubled(x), scope)


@dataclass(frozen=True)
class DiscriminatorBlock:
    """ReLU – conv3 – ReLU – conv3 (– pool), plus the shortcut, which has a convolution where size or channels change."""

    name: str
    inputs: int
    outputs: int
    halves: bool
    first: bool = False
    spectral: bool = True
    slope: float = 0.0  # of the activation below 0

    @cached_property
    def layers(self) -> tuple[Conv, ...]:
        """Two convolutions, and the shortcut's where there is one."""
        convs = [
            Conv(f"{self.name}.conv{k}", c, self.outputs, 3, 1, 1, spectral=self.spectral)
            for k, c in enumerate((self.inputs, self.outputs))
        ]
        if self.halves or self.inputs != self.outputs:
            convs.append(Conv(f"{self.name}.shortcut", self.inputs, self.outputs, 1, spectral=self.spectral))
        return tuple(convs)

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Folded images, of half the side where the block halves."""
        conv0, conv1, *shortcut = self.layers
        h = conv0(x if self.first else rectified(x, self.slope), scope)
        h = conv1(rectified(h, self.slope), scope)
        if self.halves:
            h = avg_pool2d(h, 2)
        if self.first:  # pooling and a 1×1 convolution commute; pooled first it costs a quarter
            return h + shortcut[0](avg_pool2d(x, 2) if self.halves else x, scope)
        if not shortcut:
            return h + x
        s = shortcut[0](x, scope)
        return h + (avg_pool2d(s, 2) if self.halves else s)


@dataclass(frozen=True)
class Generator(Network):
    """z → linear → blocks that double → BN – ReLU – conv3 – tanh, all of one width.

    Attributes:
        latent: size of z.
        channels: of the image.
        side: of the image, in pixels.
        width: channels: 256 in SN-GAN, 128 in WGAN-GP.
        classes: 0, or the classes that batch norm is conditioned on (in the last norm, which has one gain for all, they are not).
    """

    latent: int
    channels: int
    side: int
    width: int = 256
    classes: int = 0

    @cached_property
    def _parts(self) -> tuple[Linear, tuple[GeneratorBlock, ...], BatchNorm, Conv]:
        start, count = doublings(self.side)
        blocks = tuple(GeneratorBlock(f"block{k}", self.width, self.width, self.classes) for k in range(count))
        first = Linear("first", self.latent, self.width * start**2)
        return first, blocks, BatchNorm("norm", self.width), Conv("last", self.width, self.channels, 3, 1, 1)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        first, blocks, norm, last = self._parts
        return first, *(layer for block in blocks for layer in block.layers), norm, last

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Latents ``(runs, batch, latent)`` → images in [−1, 1], folded."""
        first, blocks, norm, last = self._parts
        start, _ = doublings(self.side)
        x = as_image(first(x, scope), self.width, start)
        for block in blocks:
            x = block(x, scope)
        return last(norm(x, scope).relu(), scope).tanh()


@dataclass(frozen=True)
class Discriminator(Projecting):
    """Two blocks that halve and two that do not → ReLU → sum (SN-GAN) or mean (WGAN-GP) over pixels → linear.

    Attributes:
        channels: of the image.
        side: of the image, in pixels.
        width: channels.
        norm: ``"spectral"`` or ``"none"``.
        pool: over pixels before the linear layer.
        classes: 0, or the classes of a projection discriminator.
    """

    channels: int
    side: int
    width: int = 128
    norm: Literal["spectral", "none"] = "spectral"
    pool: Literal["sum", "mean"] = "sum"
    classes: int = 0

    @cached_property
    def _blocks(self) -> tuple[DiscriminatorBlock, ...]:
        inputs = (self.channels, self.width, self.width, self.width)
        return tuple(
            DiscriminatorBlock(f"block{k}", c, self.width, halves=k < 2, first=k == 0, spectral=self.spectral)
            for k, c in enumerate(inputs)
        )

    @property
    def spectral(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride] - here it follows from the norm
        """By the norm."""
        return self.norm == "spectral"

    @property
    def outputs(self) -> int:
        """Features."""
        return self.width

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        return *(layer for block in self._blocks for layer in block.layers), *self.head

    def features(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, channels, side, side)`` → ``(runs, batch, width)``."""
        x = fold(x)
        for block in self._blocks:
            x = block(x, scope)
        h = summed(x.relu(), scope.runs)
        return h if self.pool == "sum" else h / (x.shape[2] * x.shape[3])


def doubled(x: Tensor) -> Tensor:
    """Every pixel four times."""
    return interpolate(x, scale_factor=2, mode="nearest")
