"""Stateless random numbers: Philox 4×32-10 in torch integers.

A draw is a hash of (seed, purpose, step, draw, index), so a run gets the same numbers alone, in a batch, resumed, compiled or on
another worker, and there is no generator state to save. No global generator is touched.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import math
import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_MASK = 0xFFFFFFFF
_SMALL = 2**13  # blocks below which numpy's lower cost a call beats torch; both give the same words
Index = int | Tensor  # a step or draw number; a tensor while a step is being traced


def purpose(name: str) -> int:
    """A 16-bit number for the name of what a draw is for."""
    return zlib.crc32(name.encode()) & 0xFFFF


def philox(counter: tuple[Any, ...], key: tuple[Any, Any]) -> tuple[Any, ...]:
    """Ten rounds of Philox 4×32 on int64 tensors or arrays that hold 32-bit words; the words broadcast.

    A product of two 32-bit words overflows int64 but keeps its 64 bits, so a masked shift still yields its high word.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = ((p1 >> 32) & _MASK) ^ c1 ^ k0, p1 & _MASK, ((p0 >> 32) & _MASK) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return c0, c1, c2, c3


def bits(seeds: Tensor, what: str, step: Index, draw: Index, size: int) -> Tensor:
    """``(runs, size)`` int64 words, uniform on [0, 2³²), for int64 ``seeds`` of shape ``(runs,)``."""
    blocks = -(-size // 4)
    index = torch.arange(blocks, device=seeds.device)
    if seeds.device.type == "cpu" and isinstance(step, int) and isinstance(draw, int) and len(seeds) * blocks < _SMALL:
        return torch.from_numpy(
            np.stack(_blocks(seeds.numpy(), index.numpy(), what, step, draw), -1).reshape(len(seeds), -1)[:, :size]
        )
    return torch.stack(_blocks(seeds, index, what, step, draw), -1).flatten(1)[:, :size]


def _blocks(seeds: Any, index: Any, what: str, step: Index, draw: Index) -> tuple[Any, ...]:
    seeds = seeds[:, None]
    zero = seeds & 0
    return philox((index + zero, zero + step, zero + draw, zero + purpose(what)), (seeds & _MASK, (seeds >> 32) & _MASK))


def uniform(seeds: Tensor, what: str, size: int, step: Index = 0, draw: Index = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """``(runs, size)`` numbers, uniform on (0, 1); in float32 the ends can be reached by rounding."""
    return _spread(bits(seeds, what, step, draw, size), dtype).to(dtype)


def normal(seeds: Tensor, what: str, size: int, step: Index = 0, draw: Index = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """``(runs, size)`` standard normal numbers, by the Box–Muller transform of pairs of uniforms."""
    even = size + size % 2
    u = _spread(bits(seeds, what, step, draw, even), dtype)
    radius, angle = (-2 * u[:, ::2].log()).sqrt(), (2 * math.pi) * u[:, 1::2]
    return torch.stack((radius * angle.cos(), radius * angle.sin()), -1).flatten(1)[:, :size].to(dtype)


def _spread(words: Tensor, dtype: torch.dtype) -> Tensor:
    """Words as numbers on (0, 1). Float64 for float64: the last digit of a logarithm is another one on another processor."""
    return (words.to(torch.float64 if dtype == torch.float64 else torch.float32) + 0.5) * 2.0**-32


def integers(seeds: Tensor, what: str, size: int, high: int, step: Index = 0, draw: Index = 0) -> Tensor:
    """``(runs, size)`` integers, uniform on {0, …, high−1} up to a bias of high/2³²."""
    return (bits(seeds, what, step, draw, size) * high) >> 32
