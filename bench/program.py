"""A program: runs that share a game and an optimizer, stepped together on the run axis."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.measuring import Measurer, Snapshot
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.settings import Settings
from saddlebench.games.game import Buffers, Game, Profile
from saddlebench.optimizers.optimizer import Optimizer, State

_PENDING_NUMBERS = 2**20  # profile numbers kept for measuring together
_PENDING_SNAPSHOTS = 64


@dataclass
class History:
    """What a program recorded: one entry a watched point; measures are ``(points, runs)``.

    ``kept`` holds the whole state at the steps asked for, ``extractor`` the hash of the feature extractor behind image measures,
    ``references`` what stands beside them: floors, controls, counts.
    """

    steps: list[int] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    products: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    measures: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)
    kept: dict[int, "Point"] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    extractor: str | None = None
    references: dict[str, float] = field(default_factory=dict)
    timed_out: bool = False


@dataclass(frozen=True)
class Point:
    """Where a program stood after a step: everything that its next step depends on."""

    step: int
    w: Profile
    state: State
    buffers: Buffers


class Clock:
    """Seconds of stepping. On a GPU, work is asynchronous: `read` waits for it and the time between is one interval."""

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == "cuda"
        self.device = device
        self.total = 0.0
        self._since: float | None = None

    def start(self) -> None:
        """A step begins."""
        if self._since is None:
            self._since = time.perf_counter()

    def stop(self) -> None:
        """A step has been handed to the device; on a CPU it is done."""
        if not self.cuda:
            self.read()

    def read(self) -> float:
        """Seconds of stepping until now."""
        if self._since is not None:
            if self.cuda:
                torch.cuda.synchronize(self.device)
            self.total += time.perf_counter() - self._since
            self._since = None
        return self.total


def run_program(
    game: Game,
    optimizer: Optimizer,
    seeds: Tensor,
    settings: Settings,
    dtype: torch.dtype,
    keep: tuple[int, ...] = (),
    timeout: float | None = None,
    on_step: Callable[[int], None] | None = None,
) -> History:
    """Step all runs through the budget and record them.

    Args:
        game: the game.
        optimizer: the optimizer, stacked: its hyperparameters numbers or ``(runs, 1)``.
        seeds: ``(runs,)`` int64, on the device that steps.
        settings: with the steps filled in.
        dtype: of the profile.
        keep: steps whose whole state is kept, for a spectrum there; −1 is the last.
        timeout: wall seconds after which the program ends where it stands.
        on_step: told the step after every step, outside the clock.
    """
    assert settings.steps is not None, "Settings.budget fills the steps in"
    device = seeds.device
    w = tuple(x.to(dtype) for x in game.initial(seeds))
    buffers = game.buffers(w, seeds)
    counts, clock, history = Counts(len(w)), Clock(device), History()
    measurer = Measurer(game, seeds, w)
    history.extractor, history.references = measurer.extractor, measurer.references
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    if settings.timing:  # a step is pure: this one is thrown away
        aside = Counts(len(w))
        first = optimizer.init(Oracle.at_step(game, seeds, 0, buffers, aside, dtype), w)
        _step(game, optimizer, seeds, 0, buffers, aside, w, first)
    state = optimizer.init(Oracle.at_step(game, seeds, 0, buffers, counts, dtype), w)
    answered = set(optimizer.answers(w, state))
    if unknown := answered - {"last", "average"}:
        raise ValueError(f"answers() names {', '.join(sorted(unknown))}: the tables hold last and average")
    # The runner's own uniform average, over the iterates after the start: their sum, divided when it is measured.
    total = tuple(torch.zeros_like(x) for x in w) if measurer.judged and "average" not in answered else None
    recorder = _Recorder(history, measurer, optimizer, settings, w)
    watched = iter(settings.watched_steps() if measurer.judged else settings.checkpoint_steps())
    due, began, step = next(watched), time.monotonic(), 0
    limited = settings.cost is not None or settings.seconds is not None
    while True:
        last = step == settings.steps or history.timed_out or (limited and _spent(settings, counts, clock))
        if step == due or last:
            recorder.take(step, counts, clock, w, state, buffers, w if total is not None and not step else total)
            if step in keep or (last and -1 in keep):
                history.kept[step] = Point(step, w, state, buffers)
            if last or recorder.all_diverged():
                break
            due = next((s for s in watched if s > step), settings.steps)
            history.timed_out = timeout is not None and time.monotonic() - began > timeout
        clock.start()
        w, state, buffers = _step(game, optimizer, seeds, step, buffers, counts, w, state)
        clock.stop()
        step += 1
        if on_step is not None:
            on_step(step)
        if total is not None:
            total = tuple([s + x for s, x in zip(total, w, strict=True)])
    recorder.flush()
    history.peak_memory_bytes = _peak_memory(device)
    return history


def _step(
    game: Game, optimizer: Optimizer, seeds: Tensor, step: int, buffers: Buffers, counts: Counts, w: Profile, state: State
) -> tuple[Profile, State, Buffers]:
    """One step, and the buffers after its last committed move."""
    oracle = Oracle.at_step(game, seeds, step, buffers, counts, w[0].dtype)
    w, state = optimizer.step(oracle, w, state)
    return w, state, game.advance(w, oracle.stream.buffers)


def _spent(settings: Settings, counts: Counts, clock: Clock) -> bool:
    if settings.cost is not None and counts.cost >= settings.cost:
        return True
    return settings.seconds is not None and clock.read() >= settings.seconds


def _peak_memory(device: torch.device) -> int:
    """Of the device's allocator, or of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class _Recorder:
    """Collects snapshots and measures many at once; a step makes new tensors, so keeping old ones costs nothing."""

    def __init__(self, history: History, measurer: Measurer, optimizer: Optimizer, settings: Settings, w: Profile) -> None:
        self.history = history
        self.measurer = measurer
        self.optimizer = optimizer
        self.settings = settings
        self.pending: list[Snapshot] = []
        numbers = sum(x.numel() for x in w)
        self.most = max(1, min(_PENDING_SNAPSHOTS, _PENDING_NUMBERS // max(numbers, 1))) if measurer.batched else 1

    def take(
        self, step: int, counts: Counts, clock: Clock, w: Profile, state: State, buffers: Buffers, total: Profile | None
    ) -> None:
        """Record a watched point."""
        history = self.history
        history.steps.append(step)
        history.gradients.append(counts.gradients)
        history.products.append(counts.products)
        history.seconds.append(clock.read())
        self.pending.append(Snapshot(step, self.optimizer.answers(w, state), buffers, total))
        if len(self.pending) >= self.most:
            self.flush()

    def flush(self) -> None:
        """Measure what is pending."""
        if self.pending:
            for key, values in self.measurer(self.pending).items():
                self.history.measures.setdefault(key, []).append(values)
            self.pending = []

    def all_diverged(self) -> bool:
        """Has every run been lost at the last measured point?"""
        name = "distance" if ("last", "distance") in self.history.measures else "gap"
        parts = self.history.measures.get(("last", name)) or self.history.measures.get(("last", "field_norm"))
        if not parts:
            return False
        start = np.where(parts[0][0] > 0, parts[0][0], 1.0)  # as the verdict has it
        with np.errstate(invalid="ignore"):
            return not (parts[-1][-1] < self.settings.diverged * start).any()


__all__ = ["Clock", "History", "Point", "run_program"]
