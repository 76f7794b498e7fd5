"""A pool of translations that discriminators learn from (Shrivastava et al. 2017), as buffers of a game.

The pool holds what past generators made. In the papers' code it changes while a loss is evaluated; here it advances with committed
moves alone, so that two evaluations at one profile agree: after each, the newest generators translate a batch of their own. The
first ones fill the pool in order; afterwards each takes the place of a random one with probability ½. A discriminator sees, for
each newly translated sample and with probability ½, a random one of the pool in its place, once the pool is full.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from saddlebench.games.draws import Index, bits


class Recall(NamedTuple):
    """What one evaluation takes from the pool.

    Attributes:
        old: bool ``(runs, batch)``: an old sample in place of the new one?
        slot: int64 ``(runs, batch)``: which.
    """

    old: Tensor
    slot: Tensor


def recall(seeds: Tensor, what: str, size: int, batch: int, step: Index, draw: Index = 0) -> Recall:
    """Coins and slots of a pool of ``size``, by seed, purpose, step and draw."""
    drawn = bits(seeds, what, step, draw, 2 * batch)
    return Recall(drawn[:, :batch] % 2 == 1, (drawn[:, batch:] * size) >> 32)


def recalled(fresh: Tensor, pool: Tensor, seen: Tensor, from_pool: Recall) -> Tensor:
    """New samples ``(runs, batch, …)``, some of them exchanged for old ones.

    Args:
        fresh: the new ones.
        pool: ``(runs, size, …)``.
        seen: int64 ``(runs, 1)``: how many samples the pool has been offered.
        from_pool: which are exchanged.
    """
    old = from_pool.old & (seen >= pool.shape[1])
    shape = (*old.shape, *(1,) * (fresh.dim() - 2))
    index = from_pool.slot.view(shape).expand(*old.shape, *fresh.shape[2:])
    return torch.where(old.view(shape), pool.to(fresh.dtype).gather(1, index), fresh)


def replenished(fresh: Tensor, pool: Tensor, seen: Tensor, to_pool: Recall) -> Tensor:
    """The pool with new samples ``(runs, batch, …)`` put in: in order while it is not full, then where and if ``to_pool`` says so.

    Where two of a batch are for one slot, the later one is kept.
    """
    size, batch = pool.shape[1], fresh.shape[1]
    place = seen + torch.arange(batch, device=seen.device)
    slot, taken = torch.where(place < size, place, to_pool.slot), to_pool.old | (place < size)
    hit = (slot.unsqueeze(-1) == torch.arange(size, device=seen.device)) & taken.unsqueeze(-1)  # (runs, batch, size)
    latest = (hit * torch.arange(1, batch + 1, device=seen.device)[:, None]).amax(1)  # 0: none
    shape = (*latest.shape, *(1,) * (fresh.dim() - 2))
    index = (latest - 1).clamp_min(0).view(shape).expand(*latest.shape, *fresh.shape[2:])
    return torch.where(latest.view(shape) > 0, fresh.to(pool.dtype).gather(1, index), pool)
