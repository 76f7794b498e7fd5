"""Products with parts of the Jacobian that several adjustments share."""

from typing import Any

import torch
from torch import Tensor

from saddlebench.optimizers.optimizer import Point, Profile


def off_diagonal_transposed(point: Point, u: Profile) -> Profile:
    """H_oᵀu, one block a player: Σ_{j≠i} J_jiᵀ u_j. One product, whatever the number of players."""
    players = range(len(u))
    total: list[Any] = [0.0 for _ in players]
    for j in players:
        others = [i for i in players if i != j]
        blocks = point.vjp([u[j] if k == j else None for k in players], rows=others)
        for i, block in zip(others, blocks, strict=True):
            total[i] = total[i] + block
    return tuple(total)


def inner(a: Profile, b: Profile) -> Tensor:
    """⟨a, b⟩ over all players, ``(runs, 1)``."""
    return torch.stack([(x * y).sum(-1, keepdim=True) for x, y in zip(a, b, strict=True)]).sum(0)
