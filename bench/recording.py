"""What a program records while it runs: the history of its watched points, its clock, and the measuring of many points at once."""

import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch

from saddlebench.bench.measuring import Measurer, Snapshot
from saddlebench.bench.oracle import Counts
from saddlebench.bench.settings import Settings
from saddlebench.bench.yardstick import waited, yardstick
from saddlebench.games.game import Buffers, Profile
from saddlebench.optimizers.optimizer import Optimizer, State

_PENDING_NUMBERS = 2**20  # profile numbers kept for measuring together
_PENDING_SNAPSHOTS = 64


@dataclass
class History:
    """What a program recorded: one entry a watched point; measures are ``(points, runs)``.

    ``kept`` holds the whole state at the steps asked for, ``extractor`` the hash of the feature extractor behind image measures,
    ``references`` what stands beside them: floors, controls, counts. ``tier`` says how it stepped, ``tier_reason`` why not as was
    asked, ``compile_seconds`` what tracing and compiling took (`saddlebench.bench.compiling.tiers`).
    """

    steps: list[int] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    products: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    yardstick: list[float] = field(default_factory=list)
    measures: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)
    kept: dict[int, "Point"] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    extractor: str | None = None
    references: dict[str, float] = field(default_factory=dict)
    timed_out: bool = False
    tier: str = "eager"
    tier_reason: str | None = None
    compile_seconds: float = 0.0


@dataclass(frozen=True)
class Point:
    """Where a program stood after a step: everything that its next step depends on."""

    step: int
    w: Profile
    state: State
    buffers: Buffers


class Clock:
    """Seconds of stepping. On a GPU, work is asynchronous: `read` waits for it and the time between is one interval.

    Args:
        device: that steps.
        timing: whether to count what of the seconds was waited for a processor (`waited`, else NaN), and to time a yardstick.
    """

    def __init__(self, device: torch.device, timing: bool = False) -> None:
        self.cuda = device.type == "cuda"
        self.timing = timing and not self.cuda
        self.waited = 0.0 if self.timing else math.nan
        self._waited_before = 0.0
        self.device = device
        self.total = 0.0
        self._since: float | None = None

    def start(self) -> None:
        """A step begins."""
        if self._since is None:
            if self.timing:
                self._waited_before = waited()
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
            if self.timing:
                self.waited += waited() - self._waited_before
        return self.total


class Recorder:
    """Collects snapshots and measures many at once; a step makes new tensors, so keeping old ones costs nothing."""

    def __init__(self, history: History, measurer: Measurer, optimizer: Optimizer, settings: Settings, w: Profile) -> None:
        self.history = history
        self.measurer = measurer
        self.optimizer = optimizer
        self.settings = settings
        self.pending: list[Snapshot] = []
        numbers = sum(x.numel() for x in w)
        self.most = max(1, min(_PENDING_SNAPSHOTS, _PENDING_NUMBERS // max(numbers, 1))) if measurer.batched else 1

    def take(self, now: Point, counts: Counts, clock: Clock, total: Profile | None) -> None:
        """Record a watched point; ``total`` as `Snapshot` has it."""
        history = self.history
        history.steps.append(now.step)
        history.gradients.append(counts.gradients)
        history.products.append(counts.products)
        history.seconds.append(clock.read())
        history.waited.append(clock.waited)
        history.yardstick.append(yardstick() if clock.timing else math.nan)
        oracle = self.measurer.oracle(now.w, now.step, self.measurer.seeds, now.buffers)
        own = self.optimizer.measures(oracle, now.w, now.state)
        self.pending.append(Snapshot(now.step, self.optimizer.answers(now.w, now.state), now.buffers, total, own))
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
