"""One step as a graph: traced once, replayed at every other step.

The step's number is a tensor in the trace, so that draws, which are a hash of it, are new at every replay. A step has no branch on
a tensor's value (the contract of optimizers), so that the trace of one step is that of all, and asks the oracle the same at each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from saddlebench.bench.compiling.graph import UntraceableError, bound, cleaned, lifted
from saddlebench.bench.oracle import Counts
from saddlebench.bench.recording import Point
from saddlebench.bench.trees import map_tensors

Step = Callable[[Point, Counts], Point]  # a step, which adds what it asked to the counts


@dataclass(frozen=True)
class Trace:
    """The graph of a step.

    Attributes:
        module: (step's number, tensors that a step changes, fixed tensors) → the changed tensors, in aten operations.
        replay: the same, by torch's Python bindings.
        changed: which tensors of (profile, state, buffers) a step changes, in order.
        fixed: what the graph is given besides, the same at every step.
        players: of the game.
        numbers: that a step computes, of all its operations.
        numbered: does the step depend on its number?
        gradient_parts: asked by every step, as `Counts` has them.
        product_parts: likewise.
    """

    module: GraphModule
    replay: GraphModule
    changed: tuple[int, ...]
    fixed: list[Tensor]
    players: int
    numbers: int
    numbered: bool
    gradient_parts: int
    product_parts: int

    @property
    def operations(self) -> int:
        """Of one step."""
        return sum(node.op == "call_function" for node in self.module.graph.nodes)

    @property
    def profile(self) -> list[int | None]:
        """Where each player's strategy is among the changed tensors; None: it never moves."""
        return [self.changed.index(k) if k in self.changed else None for k in range(self.players)]

    @property
    def convolves(self) -> bool:
        """Are there convolutions, which a compiler leaves as they are?"""
        return any("convolution" in str(node.target) for node in self.module.graph.nodes)

    def count(self, counts: Counts, steps: int) -> None:
        """Add what some steps ask."""
        counts.gradient_parts += steps * self.gradient_parts
        counts.product_parts += steps * self.product_parts

    def tensors(self, now: Point) -> list[Tensor]:
        """What a step changes, of a point."""
        leaves = leaves_of(now)
        return [leaves[k] for k in self.changed]

    def point(self, step: int, tensors: list[Tensor], like: Point) -> Point:
        """The point with changed tensors; the others are those of ``like``."""
        leaves = leaves_of(like)
        for k, x in zip(self.changed, tensors, strict=True):
            leaves[k] = x
        return _with_leaves(like, leaves, step)


def leaves_of(now: Point) -> list[Tensor]:
    """All tensors of a point."""
    leaves: list[Tensor] = []
    map_tensors(lambda x: leaves.append(x) or x, (now.w, now.state, now.buffers))
    return leaves


def _with_leaves(like: Point, leaves: list[Tensor], step: int) -> Point:
    values = iter(leaves)
    return Point(step, *map_tensors(lambda _: next(values), (like.w, like.state, like.buffers)))


def traced(step: Step, now: Point) -> Trace:
    """The trace of the step from ``now``.

    Raises:
        UntraceableError: why it has none.
    """
    counts = Counts(len(now.w))
    # Two leaves may be one tensor (Adam's powers at the start): to a trace they would be one for ever.
    leaves = [x.detach().clone() for x in leaves_of(now)]
    number = torch.tensor(now.step, device=leaves[0].device)

    def flat(number: Tensor, *leaves: Tensor) -> list[Tensor]:
        after = step(_with_leaves(now, list(leaves), number), counts)  # pyright: ignore[reportArgumentType] - a tensor while traced
        return [x.detach() for x in leaves_of(after)]

    try:
        raw = make_fx(flat)(number, *leaves)
        module = cleaned(raw, [number, *leaves])
    except UntraceableError:
        raise
    except Exception as error:  # whatever the step does that a trace cannot hold: the eager step is there
        text = " ".join(str(error).split("\n\n")[0].split())
        raise UntraceableError(f"the step cannot be traced: {type(error).__name__}: {text[:200]}") from error
    nodes = list(module.graph.nodes)
    inputs = [node for node in nodes if node.op == "placeholder"][1:]
    outputs = nodes[-1].args[0]
    if len(inputs) != len(outputs):
        raise UntraceableError("the step changes how many tensors the state has")
    changed = tuple(k for k, (a, b) in enumerate(zip(inputs, outputs, strict=True)) if a is not b)
    nodes[-1].args = ([outputs[k] for k in changed],)
    fixed = {k + 1: leaf for k, leaf in enumerate(leaves) if k not in changed}
    module, constants = lifted(module, fixed, len(leaves) + 1)
    with torch.no_grad():
        replay, numbers = bound(module, [number, *(leaves[k] for k in changed), *constants])
    numbered = bool(next(iter(module.graph.nodes)).users)
    return Trace(module, replay, changed, constants, len(now.w), numbers, numbered, counts.gradient_parts, counts.product_parts)


def replays(trace: Trace, step: Step, now: Point) -> str | None:
    """None, or how the trace's step from ``now`` differs from the step itself: a second look at what the contract promises."""
    counts = Counts(len(now.w))
    expected = leaves_of(step(now, counts))
    if (counts.gradient_parts, counts.product_parts) != (trace.gradient_parts, trace.product_parts):
        return "the step asks the oracle something else at another step"
    with torch.no_grad():
        found = leaves_of(trace.point(now.step + 1, trace.replay(torch.tensor(now.step), *trace.tensors(now), *trace.fixed), now))
    for a, b in zip(found, expected, strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            return "the step changes shapes or dtypes"
        rounding = 1e3 * torch.finfo(b.dtype).eps if b.is_floating_point() else 0.0
        if not torch.allclose(a, b, rtol=rounding, atol=rounding, equal_nan=True):
            return "the step does something else at another step: a branch on a value, or on its number"
    return None


__all__ = ["Step", "Trace", "UntraceableError", "leaves_of", "replays", "traced"]
