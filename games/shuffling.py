"""Every item of a data set once an epoch, in an order that is computed rather than kept."""

import math

import torch
from torch import Tensor

from saddlebench.games.draws import Index, bits

_ROUNDS = 8
_MASK = 0xFFFFFFFF


def shuffled(seeds: Tensor, what: str, epoch: Index, draw: Index, positions: Tensor, size: int) -> Tensor:
    """Where a random permutation of {0, …, size − 1} puts ``positions``: ``(runs, batch)`` indices, int64.

    The permutation is that of (seed, what, epoch, draw) and nothing is stored: a batch costs a few hundred microseconds however
    large the data set, where sorting random keys costs milliseconds an epoch and memory between steps. It is a Feistel network on
    the factors of size = a·b: position p = l·b + r, and in turn l ← l + F(r) mod a, r ← r + F(l) mod b, each step a bijection;
    F is an integer hash keyed by Philox (Black & Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002, generalised
    Feistel). It is for shuffling, not for secrecy.

    Args:
        seeds: int64 ``(runs,)``.
        what: the name of the order, one a data set.
        epoch: the epoch's number.
        draw: an order of its own for each draw of a step.
        positions: int64 ``(batch,)``, each in {0, …, size − 1}.
        size: the number of items.

    Raises:
        ValueError: the size has no factors of like size (a prime, for one), so that the network would mix too little.
    """
    a, b = factors(size)
    keys = bits(seeds, what, epoch, draw, _ROUNDS).unsqueeze(-1)
    left = torch.div(positions, b, rounding_mode="floor").expand(len(seeds), -1)
    right = (positions % b).expand(len(seeds), -1)
    for k in range(0, _ROUNDS, 2):
        left = (left + _hash(right, keys[:, k])) % a
        right = (right + _hash(left, keys[:, k + 1])) % b
    return left * b + right


def batch_of_epoch(seeds: Tensor, step: Index, draw: Index, batch: int, items: int) -> Tensor:
    """Which of ``items`` images the step's batch holds, ``(runs, batch)``: each once an epoch, what is no whole batch left out."""
    epoch, number = step // (items // batch), step % (items // batch)
    positions = torch.arange(batch, device=seeds.device) + number * batch
    return shuffled(seeds, "images", epoch, draw, positions, items)


def factors(size: int) -> tuple[int, int]:
    """a ≤ b with a·b = size and a as large as can be.

    Raises:
        ValueError: a < size^¼.
    """
    a = next(n for n in range(math.isqrt(size), 0, -1) if size % n == 0)
    if a**4 < size:
        raise ValueError(f"{size} items cannot be shuffled by their factors {a} × {size // a}: use a number with nearer factors")
    return a, size // a


def _hash(x: Tensor, key: Tensor) -> Tensor:
    """A keyed hash of small integers to [0, 2³²): multiply and shift, as in MurmurHash3's last step."""
    x = (x + key) & _MASK
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & _MASK
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & _MASK
    return x ^ (x >> 16)
