"""Convolutional generator and discriminator without residual connections.

Radford et al. 2016 (DCGAN) in the form that Kurach et al. 2019 and StudioGAN (Kang & Park 2020) train at 32 px: the generator's
linear layer makes 4×4 pixels and transposed convolutions of side 4 double them; each block of the discriminator is a convolution of
side 3 and one of side 4 that halves, and a last convolution is summed over pixels. At 28 px the generator begins with 7×7.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate, leaky_relu

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.networks.layers import (
    BatchNorm,
    ConditionalBatchNorm,
    Conv,
    Embedding,
    Linear,
    MinibatchDiscrimination,
    VirtualBatchNorm,
    as_image,
    summed,
)
from saddlebench.games.networks.network import Critic, Layer, Network, Scope, fold

Norm = Literal["batch", "spectral", "none"]
GeneratorNorm = Literal["batch", "virtual", "none"]
REFERENCE = 64  # latents of virtual batch norm
_SLOPE = 0.2  # of the leaky ReLU, as in the DCGAN paper


def doublings(side: int) -> tuple[int, int]:
    """(side of the first map, how often it doubles) up to ``side`` pixels.

    Raises:
        InputError: the side is no such multiple.
    """
    count = 0
    while side % 2 == 0 and side > 7:
        side, count = side // 2, count + 1
    if count == 0 or side > 7:
        raise InputError(f"images of side {side * 2**count} cannot be made by doubling from 4 to 7 pixels: use 28, 32, 48, 64, …")
    return side, count


@dataclass(frozen=True)
class Generator(Network):
    """z → linear → (transposed conv, batch norm, ReLU) a doubling → conv → tanh.

    Attributes:
        latent: size of z.
        channels: of the image.
        side: of the image, in pixels.
        width: channels of the last block; each block before has twice as many.
        classes: 0, or the classes that batch norm is conditioned on.
        norm: ``"batch"``; or, so that an image does not depend on the others of its batch, ``"virtual"``: the moments of 64
            latents, the same in all runs for ever, and of the image itself (Salimans et al. 2016); or ``"none"``.
        upsampling: ``"transposed"`` convolutions of side 4, or ``"nearest"``: pixels repeated, then a convolution of side 3, which
            leaves no checkerboard (Odena et al. 2016).
        law: standard normal numbers to latents, for the reference ones of virtual batch norm.
    """

    latent: int
    channels: int
    side: int
    width: int = 64
    classes: int = 0
    norm: GeneratorNorm = "batch"
    upsampling: Literal["transposed", "nearest"] = "transposed"
    law: Callable[[Tensor], Tensor] | None = None

    def __post_init__(self) -> None:
        if self.classes and self.norm != "batch":
            raise InputError("a conditional DCGAN is told the class by its generator's batch norm: it needs generator_norm=batch")

    @cached_property
    def _parts(self) -> tuple[Linear, tuple[tuple[Conv, Layer | None], ...], Conv]:
        start, count = doublings(self.side)
        widths = [self.width * 2**k for k in reversed(range(count + 1))]
        blocks = tuple((self._up(f"up{k}", widths[k], widths[k + 1]), self._norm(f"norm{k}", widths[k + 1])) for k in range(count))
        first = Linear("first", self.latent, widths[0] * start**2)
        return first, blocks, Conv("last", widths[-1], self.channels, 3, 1, 1)

    def _up(self, name: str, inputs: int, outputs: int) -> Conv:
        if self.upsampling == "nearest":
            return Conv(name, inputs, outputs, 3, 1, 1)
        return Conv(name, inputs, outputs, 4, 2, 1, transposed=True)

    def _norm(self, name: str, channels: int) -> Layer | None:
        if self.norm == "none":
            return None
        if self.norm == "virtual":
            return VirtualBatchNorm(name, channels, REFERENCE)
        return ConditionalBatchNorm(name, channels, self.classes) if self.classes else BatchNorm(name, channels)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        first, blocks, last = self._parts
        return first, *(layer for block in blocks for layer in block if layer is not None), last

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Latents ``(runs, batch, latent)`` → images in [−1, 1], folded."""
        first, blocks, last = self._parts
        start, _ = doublings(self.side)
        ahead = 0
        if self.norm == "virtual":
            ahead, x = REFERENCE, torch.cat((self._reference(x), x), 1)
        x = as_image(first(x, scope), first.outputs // start**2, start)
        for up, norm in blocks:
            x = up(x if up.transposed else interpolate(x, scale_factor=2, mode="nearest"), scope)
            x = (x if norm is None else norm(x, scope)).relu()
        return last(x[ahead:], scope).tanh()

    def _reference(self, like: Tensor) -> Tensor:
        """The latents before all others, ``(runs, REFERENCE, latent)``."""
        fixed = normal(torch.zeros(1, dtype=torch.int64, device=like.device), "virtual batch norm", REFERENCE * self.latent)
        z = fixed.to(like.dtype).view(1, REFERENCE, self.latent).expand(len(like), -1, -1)
        return z if self.law is None else self.law(z)


@dataclass(frozen=True)
class Discriminator(Critic):
    """(conv 3, norm, leaky ReLU, conv 4 that halves, norm, leaky ReLU) a halving → conv 3 → sum over pixels → linear.

    Attributes:
        channels: of the image.
        side: of the image, in pixels.
        width: channels of the first block; each block after has twice as many.
        norm: ``"batch"``, ``"spectral"`` (every layer) or ``"none"`` (gradient penalties judge each example alone).
        classes: 0, or the classes of a projection discriminator: D(x, y) = w·h + ⟨E(y), h⟩ (Miyato & Koyama 2018).
        kernels: of minibatch discrimination before the last layer; 0: without.
    """

    channels: int
    side: int
    width: int = 64
    norm: Norm = "batch"
    classes: int = 0
    kernels: int = 0

    @cached_property
    def _convs(self) -> tuple[tuple[Conv, BatchNorm | None], ...]:
        _, count = doublings(self.side)
        spectral = self.norm == "spectral"
        convs, inputs = [], self.channels
        for k in range(count):
            width = self.width * 2**k
            convs += [Conv(f"conv{k}", inputs, width, 3, 1, 1, spectral=spectral)]
            convs += [Conv(f"down{k}", width, width, 4, 2, 1, spectral=spectral)]
            inputs = width
        convs.append(Conv("last", inputs, 2 * inputs, 3, 1, 1, spectral=spectral))
        return tuple((c, BatchNorm(f"{c.name}.norm", c.outputs) if self.norm == "batch" else None) for c in convs)

    @cached_property
    def head(self) -> tuple[MinibatchDiscrimination | None, Linear, Embedding | None]:
        """What makes a logit of features."""
        features, spectral = self._convs[-1][0].outputs, self.norm == "spectral"
        near = MinibatchDiscrimination("near", features, self.kernels) if self.kernels else None
        embedding = Embedding("classes", self.classes, features, spectral) if self.classes else None
        return near, Linear("logit", features + self.kernels, 1, spectral=spectral), embedding

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        found = [layer for pair in self._convs for layer in pair] + list(self.head)
        return tuple(layer for layer in found if layer is not None)

    def features(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, channels, side, side)`` → ``(runs, batch, features)``."""
        x = fold(x)
        for conv, norm in self._convs:
            x = conv(x, scope)
            x = leaky_relu(x if norm is None else norm(x, scope), _SLOPE)
        return summed(x, scope.runs)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Images to logits ``(runs, batch)``."""
        return logits(self.features(x, scope), scope, *self.head)


def logits(
    features: Tensor, scope: Scope, near: MinibatchDiscrimination | None, last: Linear, embedding: Embedding | None
) -> Tensor:
    """w·h + b, plus ⟨E(y), h⟩ of a projection discriminator; ``(runs, batch)``."""
    seen = features if near is None else near(features, scope)
    value = last(seen, scope).squeeze(-1)
    return value if embedding is None else value + (embedding(features, scope) * features).sum(-1)
