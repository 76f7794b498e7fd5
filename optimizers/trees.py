"""States as trees: nested (named) tuples and dicts of tensors with a run axis."""

from typing import Any

import torch
from torch import Tensor


def where(mask: Tensor, a: Any, b: Any) -> Any:
    """Run by run the tensors of ``a`` where the mask ``(runs, 1)`` holds, else those of ``b``; the trees are alike."""
    if isinstance(a, Tensor):
        return torch.where(mask.view(-1, *(1,) * (a.dim() - 1)), a, b)
    if isinstance(a, dict):
        return {k: where(mask, v, b[k]) if k in b else v for k, v in a.items()}
    items = [where(mask, x, y) for x, y in zip(a, b, strict=True)]
    return type(a)(*items) if hasattr(a, "_fields") else tuple(items)
