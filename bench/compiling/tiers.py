"""Three ways to make the same step: eager, traced, compiled. The numbers are the same, to rounding where they are compiled.

``off`` steps eagerly. ``trace`` replays the step's graph (`tracing`), which needs no compiler and pays from some hundred steps.
``on`` also compiles the graph into a loop that makes all steps between two records (`loop`). ``auto`` chooses by how much there is
to do, never by how long something took, so that a resumed run steps as the undisturbed one. What cannot be had gives way to the
next lower tier, with a reason. The spectrum is always that of the eager step.
"""

import math
import time
from typing import Any

import torch
from torch import Tensor

from saddlebench.bench.compiling.loop import Loop, UncompilableError, looped
from saddlebench.bench.compiling.tracing import Step, Trace, UntraceableError, replays, traced
from saddlebench.bench.compiling.turns import turn
from saddlebench.bench.oracle import Counts
from saddlebench.bench.recording import Clock, Point
from saddlebench.games.game import Profile

_TRACE_PAYS = 500  # steps: a trace costs about as much as a hundred eager ones


class Eager:
    """The step as it is written.

    Attributes:
        name: of the tier, as tables have it.
        most: steps that `advance` makes at once; an end that is asked for waits for so many.
        reason: why it is not the tier that was asked for.
        seconds: spent on tracing and compiling.
    """

    name = "eager"
    most = 1

    def __init__(self, step: Any, reason: str | None = None, seconds: float = 0.0) -> None:
        self.step, self.reason, self.seconds = step, reason, seconds

    def at_once(self, cost: float | None, timed: bool) -> int:
        """How many steps may be made before budgets are looked at: so much cost is left (None: it is no limit), or time is one."""
        return self.most if cost is None and not timed else 1

    def advance(self, now: Point, total: Profile | None, steps: int, counts: Counts, clock: Clock) -> tuple[Point, Profile | None]:
        """Where ``steps`` steps lead (at most `most`), and the sum of the iterates with theirs. The sum is not on the clock."""
        for _ in range(steps):
            clock.start()
            now = self.step(now, counts)
            clock.stop()
            total = _added(total, now.w)
        return now, total


class Traced(Eager):
    """The step's graph, replayed."""

    name = "traced"
    most = 32

    def __init__(self, trace: Trace, reason: str | None = None, seconds: float = 0.0) -> None:
        super().__init__(trace.replay, reason, seconds)
        self.trace = trace

    def at_once(self, cost: float | None, timed: bool) -> int:
        """As `Eager` has it; what a step costs is known."""
        if cost is None or timed:
            return super().at_once(cost, timed)
        one = Counts(self.trace.players)
        self.trace.count(one, 1)
        return max(1, min(self.most, math.ceil(cost / one.cost))) if one.cost else self.most

    def advance(self, now: Point, total: Profile | None, steps: int, counts: Counts, clock: Clock) -> tuple[Point, Profile | None]:
        """As `Eager` has it."""
        trace, tensors, device = self.trace, self.trace.tensors(now), now.w[0].device
        number = torch.tensor(now.step, device=device)
        with torch.no_grad():
            for k in range(steps):
                clock.start()
                if trace.numbered:
                    number = torch.tensor(now.step + k, device=device)
                tensors = self.step(number, *tensors, *trace.fixed)
                clock.stop()
                if total is not None:
                    total = _added(total, tuple(now.w[i] if j is None else tensors[j] for i, j in enumerate(trace.profile)))
        trace.count(counts, steps)
        return trace.point(now.step + steps, tensors, now), total


class Compiled(Traced):
    """The step's graph in a compiled loop. The sum of the iterates is made in it, on the clock."""

    name = "compiled"
    most = 1000

    def __init__(self, trace: Trace, loop: Loop, seconds: float) -> None:
        super().__init__(trace, None, seconds)
        self.loop = loop

    def at_once(self, cost: float | None, timed: bool) -> int:
        """As `Eager` has it; where time is a budget, a turn of the loop."""
        return turn(self.trace) if timed else super().at_once(cost, timed)

    def advance(self, now: Point, total: Profile | None, steps: int, counts: Counts, clock: Clock) -> tuple[Point, Profile | None]:
        """As `Eager` has it."""
        trace, inputs = self.trace, loop_inputs(self.trace, now, total, steps)
        clock.start()
        _, *found = self.loop(inputs)
        clock.stop()
        trace.count(counts, steps)
        split = len(trace.changed)
        return trace.point(now.step + steps, found[:split], now), None if total is None else tuple(found[split:])


def loop_inputs(trace: Trace, now: Point, total: Profile | None, steps: int) -> list[Tensor]:
    """What a loop is given for some steps from a point."""
    numbers = [torch.tensor(now.step), torch.tensor(now.step + steps)]
    return _apart([*numbers, *(x.contiguous() for x in (*trace.tensors(now), *(total or ()))), *trace.fixed])


def _apart(tensors: list[Tensor]) -> list[Tensor]:
    """Each in memory of its own: `while_loop` takes nothing twice, and optimizers begin with one tensor of zeros as two moments."""
    seen: set[int] = set()
    found = []
    for x in tensors:
        x = x.clone() if (memory := x.untyped_storage().data_ptr()) in seen else x
        seen.add(memory)
        found.append(x)
    return found


def _added(total: Profile | None, w: Profile) -> Profile | None:
    """The sum with one more iterate."""
    return None if total is None else tuple([s + x for s, x in zip(total, w, strict=True)])


def chosen(mode: str, step: Step, now: Point, steps: int, total: Profile | None = None, shared: bool = False) -> Eager:
    """How a program steps.

    Args:
        mode: of `saddlebench.bench.settings.TIERS`.
        step: the eager step.
        now: where the program stands.
        steps: that are left, at most.
        total: the sum of the iterates, where one is wanted.
        shared: do several processes share every evaluation?
    """
    if mode == "off":
        return Eager(step)
    if shared:
        return Eager(step, "processes that share every evaluation step eagerly")
    if mode == "auto" and steps < _TRACE_PAYS:
        return Eager(step, f"auto: a trace pays from {_TRACE_PAYS} steps")
    began = time.perf_counter()
    try:
        trace = traced(step, now)
        fault = replays(trace, step, step(now, Counts(len(now.w))))
    except UntraceableError as error:
        return Eager(step, str(error), time.perf_counter() - began)
    if fault is not None:
        return Eager(step, fault, time.perf_counter() - began)
    reason = {"trace": "", "auto": _too_little(trace, steps)}.get(mode)
    if reason is None:
        try:
            inputs = loop_inputs(trace, now, total, 0)
            loop = looped(trace, inputs, len(total or ()))
            loop(inputs)  # no step: what a first call sets up is not on the clock
            return Compiled(trace, loop, time.perf_counter() - began)
        except UncompilableError as error:
            reason = str(error)
    return Traced(trace, reason or None, time.perf_counter() - began)


def _too_little(trace: Trace, steps: int) -> str | None:
    """Why compiling does not pay, or None: in rough seconds of one core, by the size of the graph; nothing is measured."""
    if trace.convolves:
        return "auto: a compiler leaves convolutions as they are"
    replayed = steps * (4e-6 * trace.operations + 1.5e-9 * trace.numbers)
    compiling = 15 + 0.03 * trace.operations * turn(trace)
    return None if replayed > 2 * compiling else f"auto: compiling takes about {compiling:.0f} s, the traced steps {replayed:.2g} s"


__all__ = ["Compiled", "Eager", "Traced", "chosen"]
