"""A map between two domains of images that is known, so that a translation learnt without pairs can be judged by it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

_TINT = (1.0, 0.7, 0.3)  # red, green and blue of what was black


@dataclass(frozen=True)
class KnownMap:
    """T: grey images, turned by an angle, inverted and tinted: black becomes orange and white becomes black.

    With ink t in [0, 1], T(t)_c = tint_c·(1 − R t), R the rotation about the centre (bilinear, black beyond the edges).

    Args:
        angle: in degrees, counter-clockwise as images are seen.
    """

    angle: float

    def __call__(self, x: Tensor) -> Tensor:
        """T of images ``(…, 1, side, side)`` in [−1, 1]: ``(…, 3, side, side)``, likewise."""
        flat = x.flatten(0, -4)
        ink = (flat + 1) / 2
        if self.angle:
            cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
            turn = torch.tensor([[cosine, -sine, 0.0], [sine, cosine, 0.0]], dtype=ink.dtype, device=ink.device)
            grid = affine_grid(turn.expand(len(ink), -1, -1), list(ink.shape), align_corners=False)
            ink = grid_sample(ink, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        tint = torch.tensor(_TINT, dtype=ink.dtype, device=ink.device)[:, None, None]
        return (2 * tint * (1 - ink) - 1).view(*x.shape[:-3], 3, *x.shape[-2:])


def in_colour(x: Tensor) -> Tensor:
    """Grey images ``(…, 1, side, side)`` with three equal channels."""
    return x.expand(*x.shape[:-3], 3, *x.shape[-2:])
