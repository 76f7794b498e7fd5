"""Images in the one form that feature extractors take: uint8, channels first.

Everywhere else an image is either that, or float in [−1, 1] (what a tanh generator gives), u = round(127.5 (x + 1)). Real images
have 256 levels a channel and no others, and a network must not tell the two sets apart by that.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def as_bytes(images: Tensor) -> Tensor:
    """uint8 images ``(…, C, H, W)`` of floats in [−1, 1] (values beyond are clamped, those that are not finite become black).

    Args:
        images: floats, or uint8, which is returned as it is.

    Raises:
        ValueError: another dtype.
    """
    if images.dtype == torch.uint8:
        return images
    if not images.is_floating_point():
        raise ValueError(f"images are {images.dtype}, expected uint8 in [0, 255] or floats in [-1, 1]")
    shown = torch.nan_to_num(images.float(), nan=-1.0, posinf=-1.0, neginf=-1.0).clamp(-1, 1)
    return ((shown + 1) * 127.5).round().to(torch.uint8)


def channels_first(images: Tensor) -> Tensor:
    """``(N, C, H, W)`` of images as data sets keep them, ``(N, H, W)`` or ``(N, H, W, C)`` with C of 1 or 3.

    Raises:
        ValueError: another shape.
    """
    if images.dim() == 3:
        return images.unsqueeze(1)
    if images.dim() == 4 and images.shape[-1] in (1, 3):
        return images.permute(0, 3, 1, 2)
    raise ValueError(f"images have shape {tuple(images.shape)}, expected (N, H, W) or (N, H, W, 1 or 3)")


def colour(images: Tensor) -> Tensor:
    """``(N, 3, H, W)``: grey images three times over, coloured ones as they are."""
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def resized(images: Tensor, side: int) -> Tensor:
    """Float images ``(N, C, side, side)``, bilinear; a kernel as wide as the step when shrinking, so that nothing aliases."""
    return interpolate(images.float(), size=(side, side), mode="bilinear", align_corners=False, antialias=True)
