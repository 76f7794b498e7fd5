"""The U-Net of pix2pix: an encoder and a decoder whose stages of one size are joined by skip connections."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from saddlebench.games.networks.layers import Conv, InstanceNorm
from saddlebench.games.networks.network import Layer, Network, Scope, fold
from saddlebench.games.networks.translators import padded

_SLOPE = 0.2  # of the encoder's leaky ReLU
_WIDEST = 8  # stages grow to this many times the width
_DROPPED = 3  # decoder stages with dropout: those after the innermost


@dataclass(frozen=True)
class UNet(Network):
    """Images to images of the same size (Isola et al. 2017, appendix 6.1.1).

    Encoder: convolutions of side 4 that halve, to 1 × 1 pixel, of w, 2w, 4w, 8w, 8w, … channels, with leaky ReLUs of slope .2.
    Decoder: their mirror image of transposed convolutions with ReLUs, each of which sees the stage before and the encoder's of its
    size. Instance norm with gain and bias, which is the batch norm of the paper's batches of one, everywhere but in the first and
    the innermost stage, whose single pixel it would set to 0. Dropout after the first decoder stages is the only noise. The last
    function is tanh. Images whose side is no power of 2 are reflected at their edges up to it, and cut back.

    Attributes:
        inputs: channels of x.
        outputs: channels of y.
        side: of both, in pixels.
        width: w.
    """

    inputs: int
    outputs: int
    side: int
    width: int = 64

    @cached_property
    def depth(self) -> int:
        """Halvings down to one pixel."""
        return max(math.ceil(math.log2(self.side)), 2)

    @cached_property
    def _widths(self) -> list[int]:
        """Channels of the encoder's stages."""
        return [self.width * min(2**k, _WIDEST) for k in range(self.depth)]

    @cached_property
    def _encoder(self) -> tuple[tuple[Conv, InstanceNorm | None], ...]:
        stages = []
        for k, (inputs, outputs) in enumerate(pairwise([self.inputs, *self._widths])):
            norm = InstanceNorm(f"down{k}.norm", outputs, affine=True) if 0 < k < self.depth - 1 else None
            stages.append((Conv(f"down{k}", inputs, outputs, 4, 2, 1, bias=norm is None), norm))
        return tuple(stages)

    @cached_property
    def _decoder(self) -> tuple[tuple[Conv, InstanceNorm | None], ...]:
        """From the innermost stage outwards; the k-th makes what lies beside the output of ``down{k−1}``."""
        stages = []
        for k in reversed(range(self.depth)):
            inputs = self._widths[k] * (1 if k == self.depth - 1 else 2)
            outputs = self._widths[k - 1] if k else self.outputs
            norm = InstanceNorm(f"up{k}.norm", outputs, affine=True) if k else None
            stages.append((Conv(f"up{k}", inputs, outputs, 4, 2, 1, bias=norm is None, transposed=True), norm))
        return tuple(stages)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        return tuple(layer for stage in (*self._encoder, *self._decoder) for layer in stage if layer is not None)

    @cached_property
    def _dropped(self) -> list[tuple[int, int]]:
        """(channels, side) of the decoder stages with dropout."""
        inner = self._decoder[: min(_DROPPED, self.depth - 1)]
        return [(conv.outputs, 2 ** (k + 1)) for k, (conv, _) in enumerate(inner)]

    @cached_property
    def noise(self) -> int:
        """Numbers of an image's dropout masks."""
        return sum(channels * side**2 for channels, side in self._dropped)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, inputs, side, side)`` → images in [−1, 1], folded.

        ``scope.extra["masks"]``, where given, multiplies what dropout acts on: ``(runs, batch, noise)``, 0 or 1/(1 − p).
        """
        x, cut = padded(fold(x), 2**self.depth)
        seen = []
        for k, (conv, norm) in enumerate(self._encoder):
            x = conv(leaky_relu(x, _SLOPE) if k else x, scope)
            x = x if norm is None else norm(x, scope)
            seen.append(x)
        masks = self._masks(scope)
        for k, (conv, norm) in enumerate(self._decoder):
            if k:
                x = joined(x, seen[-1 - k], scope.runs)
            x = conv(x.relu(), scope)
            x = x if norm is None else norm(x, scope)
            if k < len(masks):
                x = x * masks[k]
        return x.tanh()[cut]

    def _masks(self, scope: Scope) -> list[Tensor]:
        masks = scope.extra.get("masks")
        if masks is None:
            return []
        parts = masks.split([channels * side**2 for channels, side in self._dropped], -1)
        return [fold(m.unflatten(-1, (c, s, s))) for m, (c, s) in zip(parts, self._dropped, strict=True)]


def joined(a: Tensor, b: Tensor, runs: int) -> Tensor:
    """Two stacks of channels one after the other, run by run: folded images in and out."""
    if runs == 1:
        return torch.cat((a, b), 1)
    return torch.cat((a.unflatten(1, (runs, -1)), b.unflatten(1, (runs, -1))), 2).flatten(1, 2)
