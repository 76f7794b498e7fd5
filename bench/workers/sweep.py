"""Work carried out by an executor: groups handed out, rows taken in, lost workers made up for."""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from saddlebench.bench.cells import Cell
from saddlebench.bench.rows import empty_totals, identity_row
from saddlebench.bench.runner import Runner
from saddlebench.bench.workers.jobs import Ended, Executor, Job, LateWorkerError, LostWorkerError, StoppedError
from saddlebench.bench.workers.parcel import packed
from saddlebench.bench.workers.work import Work
from saddlebench.results.failures import log

# Times that a group may lose its worker: by its own fault, to which the kernel's kills for memory belong, and by others'.
_FAULTS, _KILLS = 2, 30
_LOOK_SECONDS = 0.25
_PATIENCE_SECONDS = 20.0  # for checkpoints, once a stop is asked for: schedulers kill after 30


class Stop(Protocol):
    """Says when the sweep has to end; `saddlebench.bench.interrupts.Interrupts` is one."""

    @property
    def asked(self) -> bool:
        """Has it to end?"""
        ...


@dataclass
class Attempt:
    """Cells under way.

    Attributes:
        group: as it was handed out.
        cells: it, or a part of it.
        faults: how often they have lost their worker by a fault of their own.
        kills: how often by somebody else, since they last came further than ever.
        furthest: share of the steps at which they ever lost it.
    """

    group: list[Cell]
    cells: list[Cell]
    faults: int = 0
    kills: int = 0
    furthest: float = 0.0
    job: Job = field(init=False)

    def __post_init__(self) -> None:
        self.job = Job(packed(self.cells))


class Sweep:
    """Carries work out.

    Args:
        executor: runs jobs.
        runner: whose sink and progress are told, and whose contexts rows of lost runs get. It runs nothing itself.
        append: takes rows that come with the end of a job.
        stop: says when to end; None: nobody does.
    """

    def __init__(
        self, executor: Executor, runner: Runner, append: Callable[[dict[str, Any]], None], stop: Stop | None = None
    ) -> None:
        self.executor, self.runner, self.append, self.stop = executor, runner, append, stop
        self.pictures: list[Path] = []
        self._flying: dict[Future[Ended], Attempt] = {}
        self._again: list[Attempt] = []
        self._open: dict[int, int] = {}  # parts of a group that have not ended

    def carry_out(self, work: Work, folder: Path | None) -> None:
        """Run everything.

        Args:
            work: the groups.
            folder: of the results, for files that workers could not write.

        Raises:
            InputError: bad input, found by a worker; a store that cannot be written.
            StoppedError: it was asked to stop; all workers have ended.
        """
        while True:
            while len(self._flying) < self.executor.slots and (attempt := self._next(work)) is not None:
                self._flying[self.executor.submit(attempt.job)] = attempt
                self._tell()
            work.tell(self.runner)
            if not self._flying and not self._again and not work.waiting:
                return
            done, _ = wait(self._flying, _LOOK_SECONDS, FIRST_COMPLETED)
            if not self._flying:  # others are running what is left
                time.sleep(_LOOK_SECONDS)
            self._tell_shares()
            if self.stop is not None and self.stop.asked:
                self._wind_up(work, folder)
                raise StoppedError
            for future in done:
                self._take_in(future, work, folder)

    def _next(self, work: Work) -> Attempt | None:
        if self._again:
            return self._again.pop()
        group = work.take()
        if group is None:
            return None
        self._open[id(group)] = 1
        return Attempt(group, group)

    def _take_in(self, future: Future[Ended], work: Work, folder: Path | None) -> None:
        """What a job came to."""
        attempt = self._flying.pop(future)
        try:
            ended = future.result()
        except LostWorkerError as lost:
            self._lost(attempt, lost)
        except LateWorkerError as late:
            self._give_up(attempt, "timeout", str(late))
        else:
            for rows in ended.appends:
                self.append(rows)
            for name, content in ended.files.items():
                path = (folder or Path()) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self.pictures += ended.pictures
            self._closed(attempt, len(attempt.cells))
        if not self._open[id(attempt.group)]:
            del self._open[id(attempt.group)]
            work.release(attempt.group)

    def _lost(self, attempt: Attempt, lost: LostWorkerError) -> None:
        """Another worker goes on, from the checkpoint where there is one; a group that loses worker after worker is halved."""
        attempt.faults += lost.fault
        if attempt.job.share > attempt.furthest:  # checkpoints may carry it through any number of kills
            attempt.furthest, attempt.kills = attempt.job.share, 0
        attempt.kills += not lost.fault
        cells = attempt.cells
        if attempt.faults < _FAULTS and attempt.kills < _KILLS:
            attempt.job.share = 0.0
            self._again.append(attempt)
        elif len(cells) > 1:
            log.warning("%s: %s; its %d runs go on in halves", cells[0].label, lost.reason, len(cells))
            half = len(cells) // 2
            parts = (cells[:half], cells[half:])
            self._again += [Attempt(attempt.group, part, _FAULTS - 1, _KILLS - 1) for part in parts]
            self._open[id(attempt.group)] += 1
        else:
            self._give_up(attempt, "error", f"LostWorker: {lost.reason}, {_times(attempt.faults + attempt.kills)}")

    def _give_up(self, attempt: Attempt, status: str, reason: str) -> None:
        """A run that cannot be had is a row, never a hole."""
        now, cells = datetime.now(UTC), attempt.cells
        totals = empty_totals(status, reason, len(cells))
        rows = [{**identity_row(cell, *self.runner.context(cell), now), **totals} for cell in cells]
        self.append({"runs": {name: [row[name] for row in rows] for name in rows[0]}})
        self._closed(attempt, len(cells))

    def _closed(self, attempt: Attempt, cells: int) -> None:
        self._open[id(attempt.group)] -= 1
        if self.runner.progress is not None:
            self.runner.progress.done(cells)
            self._tell()

    def _wind_up(self, work: Work, folder: Path | None) -> None:
        """Let workers write their checkpoints; take in what ends meanwhile."""
        self.executor.stop()
        done, _ = wait(self._flying, _PATIENCE_SECONDS)
        for future in done:
            if future.exception() is None:
                self._take_in(future, work, folder)

    def _tell(self) -> None:
        """What is under way."""
        if self.runner.progress is None or not self._flying:
            return
        first, *others = self._flying.values()
        more = f" and {len(others)} more" if others else ""
        self.runner.progress.begin(first.cells[0].label + more, sum(len(a.cells) for a in self._flying.values()))
        self._tell_shares()

    def _tell_shares(self) -> None:
        if self.runner.progress is not None and self._flying:
            under_way = self._flying.values()
            made = sum(len(a.cells) * a.job.share for a in under_way)
            self.runner.progress.advance(made / sum(len(a.cells) for a in under_way))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
