"""A grid of sample images in a PNG file."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from saddlebench.games.data.files import replacing


def save_grid(images: Tensor, path: str | Path, columns: int = 8, told: Mapping[str, str] | None = None) -> Path:
    """Write images as a grid, row by row, with a border of 2 pixels; the file appears whole or not at all.

    Args:
        images: ``(N, H, W)`` or ``(N, C, H, W)`` with C of 1 or 3, in [−1, 1]; values beyond are clamped, and those
            that are not finite (a diverged run's) are drawn in mid-grey.
        path: of the PNG file; its directory is made.
        columns: images in a row.
        told: texts that the file holds, keyword → text.

    Returns:
        The path.

    Raises:
        ValueError: no images, another shape, or ``columns`` below 1.
        OSError: the file cannot be written.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    from torchvision.utils import make_grid  # seconds to import, and most runs draw nothing

    stack = images.unsqueeze(1) if images.dim() == 3 else images
    if stack.dim() != 4 or stack.shape[1] not in (1, 3) or stack.numel() == 0:
        raise ValueError(f"images have shape {tuple(images.shape)}, expected (N, H, W) or (N, 1 or 3, H, W)")
    if columns < 1:
        raise ValueError(f"columns is {columns}, expected at least 1")
    shown = torch.nan_to_num(stack.detach().float().cpu(), nan=0.0, posinf=0.0, neginf=0.0).clamp(-1, 1)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    grid = make_grid((shown + 1) / 2, nrow=columns, padding=2)
    texts = PngInfo()
    for keyword, text in (told or {}).items():
        texts.add_text(keyword, text)
    with replacing(path) as file:
        Image.fromarray((grid * 255).round().byte().permute(1, 2, 0).numpy()).save(file, "PNG", pnginfo=texts)
    return path
