"""Generators from images to images of one size: CycleGAN's residual one and DiscoGAN's encoder–decoder."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from torch import Tensor
from torch.nn.functional import leaky_relu, pad

from saddlebench.errors import InputError
from saddlebench.games.networks.layers import BatchNorm, Conv, InstanceNorm
from saddlebench.games.networks.network import Layer, Network, Scope, fold

_SLOPE = 0.2  # of the encoder's leaky ReLU
_HALVINGS = 2  # of CycleGAN's generator


@dataclass(frozen=True)
class ResNetTranslator(Network):
    """CycleGAN's generator: c7s1-w, d2w, d4w, R4w × blocks, u2w, uw, c7s1 (Johnson et al. 2016; Zhu et al. 2017, appendix 7.2).

    c7s1: a convolution of side 7; d: one of side 3 that halves; R: x + (conv 3 – norm – ReLU – conv 3 – norm); u: a transposed one
    of side 3 that doubles. Instance norm and ReLU after each but the last, whose output goes through tanh. Images are reflected at
    their edges before convolutions of stride 1.

    Attributes:
        inputs: channels of x.
        outputs: channels of y.
        side: of both, in pixels.
        width: w.
        blocks: residual ones: 6 for images of 128 pixels, 9 for larger ones in the paper.

    Raises:
        InputError: the side cannot be halved twice.
    """

    inputs: int
    outputs: int
    side: int
    width: int = 64
    blocks: int = 6

    def __post_init__(self) -> None:
        if self.side % 2**_HALVINGS or self.side < 8:
            raise InputError(
                f"images of {self.side} pixels cannot be halved twice by CycleGAN's generator: use a multiple of 4 from 8"
            )

    @cached_property
    def _ends(self) -> tuple[Conv, ...]:
        w = self.width
        return Conv("first", self.inputs, w, 7, bias=False), Conv("last", w, self.outputs, 7)

    @cached_property
    def _down(self) -> tuple[Conv, ...]:
        return tuple(Conv(f"down{k}", self.width * 2**k, self.width * 2 ** (k + 1), 3, 2, 1, bias=False) for k in range(_HALVINGS))

    @cached_property
    def _residual(self) -> tuple[tuple[Conv, Conv], ...]:
        wide = self.width * 2**_HALVINGS
        return tuple(
            (Conv(f"block{k}.conv0", wide, wide, 3, bias=False), Conv(f"block{k}.conv1", wide, wide, 3, bias=False))
            for k in range(self.blocks)
        )

    @cached_property
    def _up(self) -> tuple[Conv, ...]:
        widths = [self.width * 2**k for k in reversed(range(_HALVINGS + 1))]
        return tuple(Conv(f"up{k}", widths[k], widths[k + 1], 3, 2, bias=False, transposed=True) for k in range(_HALVINGS))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation; the norms have no parameters."""
        first, last = self._ends
        return first, *self._down, *(conv for pair in self._residual for conv in pair), *self._up, last

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, inputs, side, side)`` → images in [−1, 1], folded."""
        first, last = self._ends
        x = _normed(first, _reflected(fold(x), 3), scope).relu()
        for conv in self._down:
            x = _normed(conv, x, scope).relu()
        for before, after in self._residual:
            h = _normed(before, _reflected(x, 1), scope).relu()
            x = x + _normed(after, _reflected(h, 1), scope)
        for conv in self._up:
            # What output_padding=1 does at padding 1, of which torch has no third derivative.
            x = _standardised(conv(x, scope)[..., 1:, 1:], scope).relu()
        return last(_reflected(x, 3), scope).tanh()


@dataclass(frozen=True)
class EncoderDecoder(Network):
    """DiscoGAN's generator: convolutions of side 4 that halve, then transposed ones that double, without skips (Kim et al. 2017).

    w, 2w, 4w, … channels; leaky ReLUs of slope .2 in the encoder, ReLUs in the decoder, batch norm after all but the first and the
    last, and tanh at the end. The paper's images of 64 pixels are halved four times. Images that cannot be are reflected at their
    edges up to a size that can, and cut back.

    Attributes:
        inputs: channels of x.
        outputs: channels of y.
        side: of both, in pixels.
        width: w.
        halvings: of the encoder.
        norm: ``"batch"``, or ``"none"``.
    """

    inputs: int
    outputs: int
    side: int
    width: int = 64
    halvings: int = 4
    norm: Literal["batch", "none"] = "batch"

    @cached_property
    def _stages(self) -> tuple[tuple[Conv, BatchNorm | None], ...]:
        widths = [self.width * 2**k for k in range(self.halvings)]
        widths = [self.inputs, *widths, *reversed(widths[:-1]), self.outputs]
        stages = []
        for k, (inputs, outputs) in enumerate(pairwise(widths)):
            name = f"down{k}" if k < self.halvings else f"up{k - self.halvings}"
            normed = self.norm == "batch" and 0 < k < len(widths) - 2
            conv = Conv(name, inputs, outputs, 4, 2, 1, bias=not normed, transposed=k >= self.halvings)
            stages.append((conv, BatchNorm(f"{name}.norm", outputs) if normed else None))
        return tuple(stages)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        return tuple(layer for stage in self._stages for layer in stage if layer is not None)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, inputs, side, side)`` → images in [−1, 1], folded."""
        x, cut = padded(fold(x), 2**self.halvings)
        for k, (conv, norm) in enumerate(self._stages):
            x = conv(x, scope)
            x = x if norm is None else norm(x, scope)
            if k < self.halvings:
                x = leaky_relu(x, _SLOPE)
            elif k < len(self._stages) - 1:
                x = x.relu()
        return x.tanh()[cut]


def padded(x: Tensor, multiple: int) -> tuple[Tensor, tuple[Any, ...]]:
    """Square images ``(…, side, side)`` reflected at their edges up to the next multiple, and the index that cuts them back."""
    side = x.shape[-1]
    extra = -side % multiple
    before = extra // 2
    if extra:
        x = pad(x, (before, extra - before, before, extra - before), mode="reflect")
    return x, (..., slice(before, before + side), slice(before, before + side))


def _reflected(x: Tensor, by: int) -> Tensor:
    return pad(x, (by, by, by, by), mode="reflect")


def _normed(conv: Conv, x: Tensor, scope: Scope) -> Tensor:
    return _standardised(conv(x, scope), scope)


def _standardised(x: Tensor, scope: Scope) -> Tensor:
    return InstanceNorm("norm", x.shape[1] // scope.runs)(x, scope)
