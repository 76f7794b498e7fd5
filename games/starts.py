"""Starts and points that games of a few numbers share."""

from collections.abc import Sequence

import torch
from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.game import Profile


def point(values: Sequence[float] | Tensor, sizes: Sequence[int], seeds: Tensor) -> Profile:
    """The same profile for every run, from one flat list of all players' numbers."""
    flat = torch.as_tensor(values, dtype=torch.float64, device=seeds.device)
    return flat.expand(len(seeds), -1).clone().split(list(sizes), -1)


def start_or_normal(start: Sequence[float] | None, sizes: Sequence[int], seeds: Tensor) -> Profile:
    """The given start of every run, or standard normals drawn by seed."""
    if start is not None:
        return point(start, sizes, seeds)
    return normal(seeds, "initial", sum(sizes)).split(list(sizes), -1)
