"""A discriminator that judges patches: the PatchGAN of pix2pix and CycleGAN."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor
from torch.nn.functional import leaky_relu

from saddlebench.errors import InputError
from saddlebench.games.networks.layers import Conv, InstanceNorm
from saddlebench.games.networks.network import Layer, Network, Scope, fold, unfold

_SLOPE = 0.2  # of the leaky ReLU
_WIDEST = 8  # stages grow to this many times the width


@dataclass(frozen=True)
class PatchGAN(Network):
    """Images → a logit a patch (Isola et al. 2017, appendix 6.1.2; Zhu et al. 2017, appendix).

    Convolutions of side 4: ``halvings`` of stride 2 with w, 2w, 4w, … channels, one of stride 1, and one of stride 1 to a single
    channel; instance norm after all but the first and the last, leaky ReLUs of slope .2. With 1, 2 and 3 halvings a logit sees 16,
    34 and 70 pixels: the 16 × 16 and the 70 × 70 PatchGAN of the paper are 1 and 3.

    Attributes:
        channels: of the images; of a conditional one, x's and y's.
        side: in pixels.
        width: w.
        halvings: convolutions of stride 2.
        affine: gain and bias in the norms.

    Raises:
        InputError: the images are too small for so many halvings.
    """

    channels: int
    side: int
    width: int = 64
    halvings: int = 3
    affine: bool = False

    def __post_init__(self) -> None:
        if self.patches < 1:
            raise InputError(
                f"images of {self.side} pixels cannot be halved {self.halvings} times by a PatchGAN, which then sees none"
            )

    @cached_property
    def patches(self) -> int:
        """Logits along a side."""
        side = self.side
        for _ in range(self.halvings):
            side //= 2
        return side - 2

    @cached_property
    def _stages(self) -> tuple[tuple[Conv, InstanceNorm | None], ...]:
        widths = [self.width * min(2**k, _WIDEST) for k in range(self.halvings + 1)]
        stages, inputs = [], self.channels
        for k, outputs in enumerate(widths):
            conv = Conv(f"conv{k}", inputs, outputs, 4, 2 if k < self.halvings else 1, 1, bias=k == 0)
            stages.append((conv, InstanceNorm(f"norm{k}", outputs, self.affine) if k else None))
            inputs = outputs
        return *stages, (Conv("last", inputs, 1, 4, 1, 1), None)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        return tuple(layer for stage in self._stages for layer in stage if layer is not None)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, channels, side, side)`` → logits ``(runs, batch·patches²)``, an image's side by side."""
        x = fold(x)
        for k, (conv, norm) in enumerate(self._stages):
            x = conv(leaky_relu(x, _SLOPE) if k else x, scope)
            x = x if norm is None else norm(x, scope)
        return unfold(x, scope.runs).flatten(1)
