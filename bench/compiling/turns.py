"""The loop around a step, as a function that Inductor compiles: steps in groups, groups in turns of torch's `while_loop`.

A turn of the loop costs some microseconds, whatever is done in it: as much as ten small steps. So a turn has many steps. What one
kernel computes takes the compiler a time that grows with it, so the turn is divided into groups of few steps: after each, all that
changes is gathered by `torch.cat`, through which Inductor does not fuse on a CPU. All groups are then calls of the same kernels.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._higher_order_ops.while_loop import while_loop_op

from saddlebench.bench.compiling.layout import runs_last
from saddlebench.bench.compiling.tracing import Trace

# Divisors of ten, as watched points are multiples of ten steps apart. Each step waits for the one before: in a longer group a
# processor finds less to do meanwhile, of other runs.
_GROUP_STEPS = (5, 2, 1)
_TURN_STEPS = (50, 20, 10)
_GROUP, _TURN = 160, 800  # operations, at most
_SMALL = 100_000  # numbers that a step computes: a larger one costs far more than a turn


def group(trace: Trace) -> int:
    """How many steps are fused."""
    return next((k for k in _GROUP_STEPS if k * trace.operations <= _GROUP), 1)


def turn(trace: Trace) -> int:
    """How many steps stand in one turn: a multiple of those of a group."""
    if trace.numbers > _SMALL:
        return group(trace)
    return next((k for k in _TURN_STEPS if k * trace.operations <= _TURN), group(trace))


class _Gathered:
    """Tensors as one flat tensor for each type of number, and back; of each the axis of runs lies first, or last."""

    def __init__(self, like: Sequence[Tensor], last: bool) -> None:
        self.last = last
        self.shapes = [self.turned(x).shape for x in like]
        self.parts = [[k for k, x in enumerate(like) if x.dtype == kind] for kind in dict.fromkeys(x.dtype for x in like)]

    def turned(self, x: Tensor, back: bool = False) -> Tensor:
        """As it lies in memory, or back."""
        if not self.last or x.ndim < 2:
            return x
        return x.movedim(-1, 0) if back else x.movedim(0, -1)

    def flat(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """In memory of their own."""
        tensors = [self.turned(x) for x in tensors]
        return [
            torch.cat([tensors[k].reshape(-1) for k in part]) if len(part) > 1 else tensors[part[0]].reshape(-1).clone()
            for part in self.parts
        ]

    def apart(self, flat: Sequence[Tensor]) -> list[Tensor]:
        """Views."""
        found: dict[int, Tensor] = {}
        for part, x in zip(self.parts, flat, strict=True):
            sizes = [self.shapes[k].numel() for k in part]
            found |= {k: self.turned(piece.view(self.shapes[k]), back=True) for k, piece in zip(part, x.split(sizes), strict=True)}
        return [found[k] for k in range(len(self.shapes))]


def whole(trace: Trace, sums: int) -> Callable[..., tuple[Tensor, ...]]:
    """As `saddlebench.bench.compiling.loop.looped` has it: a loop of turns, one of groups for what is left, then one of steps."""
    changed, carried = len(trace.changed), len(trace.changed) + sums
    most, fused = turn(trace), group(trace)
    last = runs_last(trace.module, changed)
    step = last or trace.module

    def loop(number: Tensor, end: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        gathered = _Gathered(rest[:carried], last is not None)
        going: Any = (number, *gathered.flat(rest[:carried]))
        kinds, fixed = len(going) - 1, (end, *rest[carried:])

        def body(steps: int) -> Callable[..., tuple[Tensor, ...]]:
            def several(number: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
                flat, fixed = list(rest[:kinds]), rest[kinds + 1 :]
                for _ in range(max(steps // fused, 1)):
                    tensors = gathered.apart(flat)
                    tensors, total = tensors[:changed], tensors[changed:]
                    for _ in range(min(steps, fused)):
                        tensors = step(number, *tensors, *fixed)
                        total = [s + tensors[k] for s, k in zip(total, trace.profile, strict=False) if k is not None]
                        number = number + 1
                    flat = gathered.flat((*tensors, *total))
                return number, *flat

            return several

        for steps in dict.fromkeys((most, fused, 1)):
            more = lambda number, *rest, steps=steps: number + (steps - 1) < rest[kinds]  # noqa: E731 - its twin is a function
            going = while_loop_op(more, body(steps), going, fixed)
        return going[0], *(x.clone(memory_format=torch.contiguous_format) for x in gathered.apart(going[1:]))

    return loop
