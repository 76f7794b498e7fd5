"""A small convolutional encoder: images to vectors, of features or of class logits."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from torch import Tensor
from torch.nn.functional import max_pool2d

from saddlebench.games.networks.layers import BatchNorm, Conv, Linear, rectified
from saddlebench.games.networks.network import Layer, Network, Scope, fold, unfold


@dataclass(frozen=True)
class ConvEncoder(Network):
    """(conv 5, max pooling 2, batch norm, leaky ReLU) twice → linear, of LeNet's shape.

    Attributes:
        channels: of the image.
        side: of the image, in pixels; a multiple of 4.
        width: channels of the first convolution; the second has twice as many.
        outputs: size of the vector.
        norm: ``"batch"``, or ``"none"``: then a vector does not depend on the other images of its batch.
        slope: of the leaky ReLU below 0.
    """

    channels: int
    side: int
    width: int
    outputs: int
    norm: Literal["batch", "none"] = "batch"
    slope: float = 0.2

    @cached_property
    def _convs(self) -> tuple[tuple[Conv, BatchNorm | None], ...]:
        convs = Conv("conv0", self.channels, self.width, 5, 1, 2), Conv("conv1", self.width, 2 * self.width, 5, 1, 2)
        return tuple((c, BatchNorm(f"{c.name}.norm", c.outputs) if self.norm == "batch" else None) for c in convs)

    @cached_property
    def _last(self) -> Linear:
        return Linear("last", 2 * self.width * (self.side // 4) ** 2, self.outputs)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        return *(layer for pair in self._convs for layer in pair if layer is not None), self._last

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, channels, side, side)`` → ``(runs, batch, outputs)``."""
        x = fold(x)
        for conv, norm in self._convs:
            x = max_pool2d(conv(x, scope), 2)
            x = rectified(x if norm is None else norm(x, scope), self.slope)
        return self._last(unfold(x, scope.runs).flatten(2), scope)
