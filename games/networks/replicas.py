"""Batch norm over a batch that several processes share: its moments are those of all their parts.

Every process evaluates the same network on a part of its own, all parts of one size. A moment is then the mean of the processes'
own, by one all-reduce; and the derivative of the sum of all processes' losses goes back through the same mean. So gradients, and
derivatives of any order, averaged over the processes are those of one process with the whole batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

_spanned = [1]  # processes whose parts make the batch; of the process, because autograd works in threads of its own


@contextmanager
def across(world: int) -> Iterator[None]:
    """Within, statistics of a batch span ``world`` processes, all of which evaluate the same at the same time."""
    _spanned.append(world)
    try:
        yield
    finally:
        _spanned.pop()


def spanned() -> int:
    """How many processes statistics of a batch span."""
    return _spanned[-1]


def shared_mean(x: Tensor) -> Tensor:
    """The mean of x over the processes, differentiable any number of times."""
    return _Mean.apply(x, spanned())  # pyright: ignore[reportReturnType] - torch leaves apply untyped


def shared_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (divided by n) over all axes of ``(batch, channels, …)`` but the channels, and over the processes."""
    axes = (0, *range(2, x.dim()))
    mean = shared_mean(x.mean(axes))
    return mean, shared_mean((x - mean.view(1, -1, *(1,) * (x.dim() - 2))).square().mean(axes))


def normalised_across(x: Tensor, gain: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """γ(x − mean)/√(var + ε) + β with the moments of all processes' parts."""
    shape = (1, -1, *(1,) * (x.dim() - 2))
    mean, variance = shared_moments(x)
    scale = gain * (variance + epsilon).rsqrt()
    return (x - mean.view(shape)) * scale.view(shape) + bias.view(shape)


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, world: int) -> Tensor:
        ctx.world = world
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total.div_(world)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return _Mean.apply(gradients[0], ctx.world), None
