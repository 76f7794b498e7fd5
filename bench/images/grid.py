"""A grid of sample images in a PNG file."""

from pathlib import Path

import torch
from torch import Tensor

from saddlebench.games.data.files import replacing


def save_grid(images: Tensor, path: str | Path, columns: int = 8) -> Path:
    """Write images as a grid, row by row, with a border of 2 pixels; the file appears whole or not at all.

    Args:
        images: ``(N, H, W)`` or ``(N, C, H, W)`` with C of 1 or 3, in [−1, 1]; values beyond are clamped, and those
            that are not finite (a diverged run's) are drawn in mid-grey.
        path: of the PNG file; its directory is made.
        columns: images in a row.

    Returns:
        The path.

    Raises:
        ValueError: no images, another shape, or ``columns`` below 1.
        OSError: the file cannot be written.
    """
    from torchvision.utils import save_image  # seconds to import, and most runs draw nothing

    stack = images.unsqueeze(1) if images.dim() == 3 else images
    if stack.dim() != 4 or stack.shape[1] not in (1, 3) or stack.numel() == 0:
        raise ValueError(f"images have shape {tuple(images.shape)}, expected (N, H, W) or (N, 1 or 3, H, W)")
    if columns < 1:
        raise ValueError(f"columns is {columns}, expected at least 1")
    shown = torch.nan_to_num(stack.detach().float().cpu(), nan=0.0, posinf=0.0, neginf=0.0).clamp(-1, 1)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        save_image((shown + 1) / 2, file, format="png", nrow=columns, padding=2)
    return path
