"""BigGAN-deep's generator and discriminator at 16 to 256 px (Brock, Donahue & Simonyan 2019, appendix B).

Blocks are bottlenecks 1×1 – 3×3 – 3×3 – 1×1 with a quarter of the channels inside, and no shortcut has more parameters than it
needs: a generator's drops channels, a discriminator's appends those of a 1×1 convolution. ``depth`` blocks a resolution, of which
one resamples. z is not cut: [z, E(y)] goes into the first layer and every batch norm. Channels are those of `biggan`.

Not what some reimplementations have, but the graph that the paper's authors published: attention and convolutions are spectrally
normalised, and the generator's last convolution has 128 outputs of which 3 are the image (``outputs = 128``), which makes the
50.4 M parameters of the paper's table; with ``outputs = 0`` it has the image's alone.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from saddlebench.errors import InputError
from saddlebench.games.networks.attention import SelfAttention
from saddlebench.games.networks.biggan import START, check_attention, discriminator_widths, generator_widths, halvings
from saddlebench.games.networks.layers import BatchNorm, Conv, Linear, as_image, rectified, summed
from saddlebench.games.networks.network import Layer, Network, Scope, fold
from saddlebench.games.networks.projection import Projecting
from saddlebench.games.networks.resnet import doubled
from saddlebench.games.networks.told import Told, ToldNorm

_RATIO = 4  # of a block's channels to those inside


def _inside(channels: int) -> int:
    return max(channels // _RATIO, 1)


@dataclass(frozen=True)
class GeneratorBlock:
    """BN – ReLU – conv1 – BN – ReLU (– up) – conv3 – BN – ReLU – conv3 – BN – ReLU – conv1, plus the first channels of (up) x."""

    name: str
    inputs: int
    outputs: int
    doubles: bool
    told: Told
    spectral: bool = True
    slope: float = 0.0

    @cached_property
    def _parts(self) -> tuple[tuple[ToldNorm, Conv], ...]:
        inner = _inside(self.inputs)
        sizes = ((self.inputs, inner, 1, 1, 0), (inner, inner, 3, 1, 1), (inner, inner, 3, 1, 1), (inner, self.outputs, 1, 1, 0))
        return tuple(
            (ToldNorm(f"{self.name}.norm{k}", size[0], self.told), Conv(f"{self.name}.conv{k}", *size, spectral=self.spectral))
            for k, size in enumerate(sizes)
        )

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Norm and convolution in turn."""
        return tuple(layer for norm, conv in self._parts for layer in (*norm.layers, conv))

    def __call__(self, x: Tensor, vector: Tensor | None, scope: Scope) -> Tensor:
        """Folded images, of twice the side where the block doubles."""
        h = x
        for k, (norm, conv) in enumerate(self._parts):
            h = rectified(norm(h, vector, scope), self.slope)
            h = conv(doubled(h) if self.doubles and k == 1 else h, scope)
        if self.inputs != self.outputs:
            x = x.unflatten(1, (scope.runs, -1))[:, :, : self.outputs].flatten(1, 2)
        return h + (doubled(x) if self.doubles else x)


@dataclass(frozen=True)
class DiscriminatorBlock:
    """ReLU – conv1 – ReLU – conv3 – ReLU – conv3 – ReLU (– pool) – conv1, plus (pooled) x with channels appended."""

    name: str
    inputs: int
    outputs: int
    halves: bool
    spectral: bool = True
    slope: float = 0.0

    @cached_property
    def layers(self) -> tuple[Conv, ...]:
        """Four convolutions, and that of the appended channels where there are any."""
        inner = _inside(self.outputs)
        sizes = ((self.inputs, inner, 1, 1, 0), (inner, inner, 3, 1, 1), (inner, inner, 3, 1, 1), (inner, self.outputs, 1, 1, 0))
        convs = [Conv(f"{self.name}.conv{k}", *size, spectral=self.spectral) for k, size in enumerate(sizes)]
        if self.inputs < self.outputs:
            more = self.outputs - self.inputs
            convs.append(Conv(f"{self.name}.shortcut", self.inputs, more, 1, spectral=self.spectral))
        return tuple(convs)

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Folded images, of half the side where the block halves."""
        conv0, conv1, conv2, conv3, *shortcut = self.layers
        h = x
        for conv in (conv0, conv1, conv2):
            h = conv(rectified(h, self.slope), scope)
        h = rectified(h, self.slope)
        if self.halves:
            h, x = avg_pool2d(h, 2), avg_pool2d(x, 2)
        if shortcut:
            parts = (t.unflatten(1, (scope.runs, -1)) for t in (x, shortcut[0](x, scope)))
            x = torch.cat(tuple(parts), 2).flatten(1, 2)
        return conv3(h, scope) + x


@dataclass(frozen=True)
class Generator(Network):
    """[z, E(y)] → linear → blocks → BN – ReLU – conv3 – tanh.

    Attributes: as `biggan.Generator`'s, and
        depth: blocks a resolution; the last of them doubles it.
        outputs: of the last convolution, of which the first are the image; 0: as many as the image has.

    Raises:
        InputError: no such side, an attention at a side that no map has, fewer outputs than channels.
    """

    latent: int
    channels: int
    side: int
    width: int = 128
    classes: int = 0
    shared: int = 128
    hierarchical: bool = True
    attention: int = 64
    spectral: bool = True
    slope: float = 0.0
    epsilon: float = 1e-5
    depth: int = 2
    outputs: int = 128

    def __post_init__(self) -> None:
        blocks = len(generator_widths(self.side)) - 1
        check_attention(self.attention, [2 * START * 2**k for k in range(blocks)])
        if 0 < self.outputs < self.channels:
            raise InputError(f"outputs = {self.outputs}: an image has {self.channels} channels (0: as many)")

    @cached_property
    def _told(self) -> Told:
        return Told(self.classes, self.shared, self.latent if self.hierarchical else 0, self.spectral, self.epsilon)

    @cached_property
    def _parts(self) -> tuple[Linear, tuple[GeneratorBlock | SelfAttention, ...], BatchNorm, Conv]:
        widths, told = [self.width * m for m in generator_widths(self.side)], self._told
        wired: list[GeneratorBlock | SelfAttention] = []
        for k, (before, after) in enumerate(pairwise(widths)):
            for d in range(self.depth):
                last = d == self.depth - 1
                name, width = f"block{k}.{d}", after if last else before
                wired.append(GeneratorBlock(name, before, width, last, told, self.spectral, self.slope))
            if START * 2 ** (k + 1) == self.attention:
                wired.append(SelfAttention("attention", after, self.spectral))
        inputs = self.latent + (self.shared if told.embedding else 0)
        first = Linear("first", inputs, widths[0] * START**2, spectral=self.spectral)
        last = Conv("last", widths[-1], self.outputs or self.channels, 3, 1, 1, spectral=self.spectral)
        return first, tuple(wired), BatchNorm("norm", widths[-1], self.epsilon), last

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation; the embedding first."""
        first, wired, norm, last = self._parts
        embedding = self._told.embedding
        return *([embedding] if embedding else []), first, *(layer for part in wired for layer in part.layers), norm, last

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Latents ``(runs, batch, latent)`` → images in [−1, 1], folded."""
        first, wired, norm, last = self._parts
        embedding = self._told.embedding
        same = [] if embedding is None else [embedding(x, scope)]
        told = [*([x] if self.hierarchical else []), *same]
        vector = torch.cat(told, -1) if told else None
        x = as_image(first(torch.cat([x, *same], -1), scope), first.outputs // START**2, START)
        for part in wired:
            x = part(x, vector, scope) if isinstance(part, GeneratorBlock) else part(x, scope)
        x = last(rectified(norm(x, scope), self.slope), scope)
        return x.unflatten(1, (scope.runs, -1))[:, :, : self.channels].flatten(1, 2).tanh()


@dataclass(frozen=True)
class Discriminator(Projecting):
    """conv3 → blocks → ReLU → sum over pixels → linear, plus ⟨E(y), h⟩ of a projection discriminator.

    Attributes: as `biggan.Discriminator`'s, and
        depth: blocks a resolution; the first of them halves it.

    Raises:
        InputError: no such side, an attention at a side that no map has.
    """

    channels: int
    side: int
    width: int = 128
    classes: int = 0
    attention: int = 64
    spectral: bool = True
    slope: float = 0.0
    depth: int = 2

    def __post_init__(self) -> None:
        discriminator_widths(self.side)
        check_attention(self.attention, [self.side // 2 ** (k + 1) for k in range(halvings(self.side))])

    @cached_property
    def _parts(self) -> tuple[Conv, tuple[DiscriminatorBlock | SelfAttention, ...]]:
        widths, size = [self.width * m for m in discriminator_widths(self.side)], self.side
        wired: list[DiscriminatorBlock | SelfAttention] = []
        for k, (before, after) in enumerate(pairwise(widths)):
            halves = k < halvings(self.side)
            for d in range(self.depth):
                shape = (before, after, halves) if d == 0 else (after, after, False)
                wired.append(DiscriminatorBlock(f"block{k}.{d}", *shape, self.spectral, self.slope))
            size = size // 2 if halves else size
            if halves and size == self.attention:
                wired.append(SelfAttention("attention", after, self.spectral))
        return Conv("first", self.channels, widths[0], 3, 1, 1, spectral=self.spectral), tuple(wired)

    @property
    def outputs(self) -> int:
        """Features."""
        return self.width * discriminator_widths(self.side)[-1]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        first, wired = self._parts
        return first, *(layer for part in wired for layer in part.layers), *self.head

    def features(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, channels, side, side)`` → ``(runs, batch, features)``."""
        first, wired = self._parts
        x = first(fold(x), scope)
        for part in wired:
            x = part(x, scope)
        return summed(rectified(x, self.slope), scope.runs)
