"""Three ways to make the same step: eager, traced, compiled. The numbers are the same, to rounding where they are compiled.

``off`` steps eagerly. ``trace`` replays the step's graph (`tracing`), which needs no compiler and pays from some hundred steps.
``on`` also compiles the graph into a loop that makes all steps between two records (`loop`). ``auto`` chooses by how much there is
to do, never by how long something took, so that a resumed run steps as the undisturbed one. What cannot be had gives way to the
next lower tier, with a reason. The spectrum is always that of the eager step.
"""

import time

import torch

from saddlebench.bench.compiling.tracing import Step, Trace, UntraceableError, replays, traced
from saddlebench.bench.oracle import Counts
from saddlebench.bench.recording import Clock, Point
from saddlebench.games.game import Profile

_TRACE_PAYS = 500  # steps: a trace costs about as much as a hundred eager ones


class Eager:
    """The step as it is written.

    Attributes:
        name: of the tier, as tables have it.
        most: steps that `advance` makes at once.
        reason: why it is not the tier that was asked for.
        seconds: spent on tracing and compiling.
    """

    name = "eager"
    most = 1

    def __init__(self, step: Step, reason: str | None = None, seconds: float = 0.0) -> None:
        self.step, self.reason, self.seconds = step, reason, seconds

    def advance(self, now: Point, total: Profile | None, steps: int, counts: Counts, clock: Clock) -> tuple[Point, Profile | None]:
        """Where ``steps`` steps lead (at most `most`), and the sum of the iterates with theirs. The sum is not on the clock."""
        for _ in range(steps):
            clock.start()
            now = self.step(now, counts)
            clock.stop()
            total = added(total, now.w)
        return now, total


class Traced(Eager):
    """The step's graph, replayed."""

    name = "traced"
    most = 32  # an end that is asked for, or a checkpoint, waits for so many

    def __init__(self, trace: Trace, reason: str | None = None, seconds: float = 0.0) -> None:
        self.trace, self.reason, self.seconds = trace, reason, seconds
        self._profile = [trace.changed.index(k) if k in trace.changed else None for k in range(trace.players)]

    def advance(self, now: Point, total: Profile | None, steps: int, counts: Counts, clock: Clock) -> tuple[Point, Profile | None]:
        """As `Eager` has it."""
        trace, tensors, device = self.trace, self.trace.tensors(now), now.w[0].device
        number = torch.tensor(now.step, device=device)
        with torch.no_grad():
            for k in range(steps):
                clock.start()
                if trace.numbered:
                    number = torch.tensor(now.step + k, device=device)
                tensors = trace.replay(number, *tensors, *trace.fixed)
                clock.stop()
                if total is not None:
                    total = added(total, tuple(now.w[i] if j is None else tensors[j] for i, j in enumerate(self._profile)))
        trace.count(counts, steps)
        return trace.point(now.step + steps, tensors, now), total


def added(total: Profile | None, w: Profile) -> Profile | None:
    """The sum with one more iterate."""
    return None if total is None else tuple([s + x for s, x in zip(total, w, strict=True)])


def chosen(mode: str, step: Step, now: Point, steps: int, shared: bool = False) -> Eager:
    """How a program steps.

    Args:
        mode: of `saddlebench.bench.settings.TIERS`.
        step: the eager step.
        now: where the program stands.
        steps: that are left, at most.
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
        trace, fault = None, str(error)
    seconds = time.perf_counter() - began
    if trace is None or fault is not None:
        return Eager(step, fault, seconds)
    return Traced(trace, None, seconds)


__all__ = ["Eager", "Traced", "chosen"]
