"""The runner: cells that are not in the store yet, group by group, into the store."""

import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.cells import Cell, groups
from saddlebench.bench.checkpoints import Checkpoint, Checkpoints
from saddlebench.bench.context import Context, context_of, machine_row
from saddlebench.bench.distributed import LostRankError, Ranks, UndividedError
from saddlebench.bench.program import History, run_program
from saddlebench.bench.rows import Results, empty_totals, identity_row
from saddlebench.bench.spectra import Spectra, kept_steps
from saddlebench.bench.splitting import parts
from saddlebench.bench.stacking import stack
from saddlebench.errors import InputError
from saddlebench.results.failures import log

_FLUSH_SECONDS = 0.5  # a kill loses at most the last second of finished cells
_TELL_SECONDS = 0.1  # a progress bar needs no more, and tiny cells must not pay for it
_RETRY_ALONE = 64  # runs of a failed group that are tried alone; beyond that the whole group carries the error


class Progress(Protocol):
    """What the runner tells while it works."""

    def begin(self, label: str, cells: int) -> None:
        """A group of cells begins."""
        ...

    def advance(self, fraction: float) -> None:
        """The current group has done this fraction of its steps."""
        ...

    def done(self, cells: int) -> None:
        """A group of cells is in the store."""
        ...


class Sink(Protocol):
    """Where groups of finished cells go: a store, or a list in memory."""

    def append(self, runs: Any = None, trace: Any = None, spectrum: Any = None, machines: Any = None) -> None:
        """Add one group of rows, whole or not at all."""
        ...


class Artefacts(Protocol):
    """What is written beside the tables."""

    def __call__(self, cells: list[Cell], seeds: Tensor, history: History) -> None:
        """Of a finished group."""
        ...

    def at_checkpoint(self, cells: list[Cell], step: int, answer: str, images: Tensor) -> None:
        """Of the images of one answer ``(runs, n, …)`` at a checkpoint."""
        ...


@dataclass(frozen=True)
class Place:
    """Where and how cells are run.

    Attributes:
        device: the device that steps.
        dtype: ``"float64"`` or ``"float32"``; None: each game's own.
        timeout: wall seconds a group may take; None: no limit.
        ranks: the processes that share every cell; None: this one is alone.
        threads: of torch, where other processes step; None: as many as this one has.
        workers: how many processes step at the same time, and share this machine's memory.
    """

    device: torch.device
    dtype: str | None = None
    timeout: float | None = None
    ranks: Ranks | None = None
    threads: int | None = None
    workers: int = 1

    def context(self, cell: Cell) -> Context:
        """The context of a cell run here."""
        found = context_of(self.dtype or cell.pairing.game.dtype, self.device)
        found = found if self.threads is None else replace(found, threads=self.threads)
        return found if self.ranks is None else replace(found, device=f"{found.device} ×{self.ranks.world}")


class Runner:
    """Runs groups of cells and hands their rows to a sink.

    Args:
        sink: where rows go.
        place: where and how cells are run.
        progress: told what happens; None: silence.
        artefacts: writes the pictures and models; None: there are none.
        checkpoints: of groups in flight, gone on from and written; None: neither.
    """

    def __init__(
        self,
        sink: Sink,
        place: Place,
        progress: Progress | None = None,
        artefacts: Artefacts | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.sink, self.place, self.progress, self.artefacts = sink, place, progress, artefacts
        self.checkpoints = checkpoints
        self._finished: list[Checkpoint] = []  # whose rows are pending
        self._contexts: dict[str, tuple[Context, str]] = {}
        self._pending: list[Finished] = []
        self._flushed = 0.0

    def context(self, cell: Cell) -> tuple[Context, str]:
        """The cell's context and its key."""
        dtype = self.place.dtype or cell.pairing.game.dtype
        if dtype not in self._contexts:
            context = self.place.context(cell)
            self._contexts[dtype] = context, context.key
        return self._contexts[dtype]

    def todo(self, cells: Iterable[Cell], finished: Any) -> list[list[Cell]]:
        """The groups that are not all finished; a group was written whole, so it is run whole. Large ones come in parts.

        Those that step alone come last and by seed: a burst of other work on the machine then costs every optimizer a run, and
        not one optimizer all of its runs.
        """
        place = self.place
        whole = ([g] if place.ranks else parts(g, place.dtype, place.device, place.workers) for g in groups(cells))
        unfinished = [g for p in whole for g in p if any((c.key, self.context(c)[1]) not in finished for c in g)]
        return sorted(unfinished, key=lambda group: group[0].seed if group[0].pairing.settings.alone else -1)

    def run(self, work: Iterable[list[Cell]]) -> None:
        """Run groups of cells. Finished groups reach the sink at most half a second after they end.

        Raises:
            KeyboardInterrupt: the group in flight is given up; those before it are in the sink.
        """
        self._pending.append(Finished([], machines=[machine_row()]))
        try:
            for cells in work:
                if self.progress:
                    self.progress.begin(cells[0].label, len(cells))
                self._run_group(cells)
                self._flush_if_due()
                if self.progress:
                    self.progress.done(len(cells))
        finally:
            self.flush()

    @property
    def pending(self) -> bool:
        """Are there rows that the sink does not have yet?"""
        return any(group.runs for group in self._pending)

    def flush(self) -> None:
        """Hand what is pending to the sink, in one append: a commit costs as much as a small cell.

        Nothing is let go before the sink has it: an interrupt in between appends the same rows again, which supersede themselves.
        """
        rows = [row for group in self._pending for row in group.runs]
        if rows:
            self.sink.append(
                runs={name: [row.get(name) for row in rows] for name in dict.fromkeys(k for row in rows for k in row)},
                trace=_joined([group.trace for group in self._pending if group.trace is not None]),
                spectrum=[row for group in self._pending for row in group.spectrum] or None,
                machines=[row for group in self._pending for row in group.machines] or None,
            )
            self._pending.clear()
            for checkpoint in self._finished:
                checkpoint.remove()
            self._finished.clear()
        self._flushed = time.monotonic()

    def _flush_if_due(self) -> None:
        if self._pending and time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def _run_group(self, cells: list[Cell]) -> None:
        started = datetime.now(UTC)
        context, key = self.context(cells[0])
        rows = [identity_row(cell, context, key, started) for cell in cells]
        parts: list[list[Cell]] = []
        reason = cells[0].pairing.not_applicable
        if reason is not None:
            self._pending.append(Finished([{**row, **empty_totals("not_applicable", reason, len(cells))} for row in rows]))
            return
        try:
            finished = self._measured(cells, rows, key)
        except (InputError, LostRankError):
            raise
        except UndividedError as error:
            finished = Finished([{**row, **empty_totals("not_applicable", str(error), len(cells))} for row in rows])
        except Exception as error:  # a failed run is a row, never a hole
            if self.place.ranks is not None:  # the others wait for this process's part
                raise LostRankError(f"process {self.place.ranks.rank} failed: {type(error).__name__}: {error}") from error
            parts = _parts_after(error, cells)
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = str(error).splitlines()[0] if str(error) else ""
            reason = f"{type(error).__name__}: {text} ({where.filename.rsplit('/', 1)[-1]}:{where.lineno})"
            finished = Finished([{**row, **empty_totals("error", reason, len(cells))} for row in rows])
        if not parts:
            self._pending.append(finished)
        elif self.checkpoints is not None:
            self.checkpoints.of(cells, key).remove()
        for part in parts:  # only here, where the error and with it the tensors of what failed are gone
            self._run_group(part)

    def _measured(self, cells: list[Cell], rows: list[dict[str, Any]], key: str) -> "Finished":
        """The rows of the group's runs, of its trace and of its spectra."""
        pairing, ranks = cells[0].pairing, self.place.ranks
        game, settings, device = pairing.game, pairing.settings, self.place.device
        dtype = getattr(torch, self.place.dtype or game.dtype)
        seeds = torch.tensor([c.seed for c in cells], dtype=torch.int64, device=device)
        optimizer = stack([c.pairing.optimizer for c in cells], device)
        keep = kept_steps(settings.spectrum) + ((-1,) if self.artefacts is not None else ())
        checkpoint = None if self.checkpoints is None else self.checkpoints.of(cells, key)
        show = None if self.artefacts is None else partial(self.artefacts.at_checkpoint, cells)
        with nullcontext() if self.checkpoints is None else self.checkpoints.patient():
            history = run_program(
                game, optimizer, seeds, settings, dtype, keep, self.place.timeout, self._on_step(), checkpoint, ranks, show
            )
        if ranks is not None and not ranks.first:
            return Finished([])
        results = Results(history, settings, len(cells), game.no_solution)
        spectra = Spectra(cells, key, seeds, history, [history.steps[v.end] for v in results.verdicts])
        found = [spectra.columns_and_rows(r) for r in range(len(cells))] if settings.spectrum else [({}, [])] * len(cells)
        runs = [{**row, **results.totals(r), **found[r][0]} for r, row in enumerate(rows)]
        if self.artefacts is not None:
            self.artefacts(cells, seeds, history)
        if checkpoint is not None and not history.timed_out:  # a run that ran out of time can go on with more
            self._finished.append(checkpoint)
        return Finished(runs, results.trace([c.key for c in cells], key), [row for _, part in found for row in part])

    def _on_step(self) -> Callable[[float], None]:
        told = time.monotonic()

        def tell(share: float) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told > _TELL_SECONDS:
                told = now
                self._flush_if_due()
                if self.progress is not None:
                    self.progress.advance(share)

        return tell


def _parts_after(error: Exception, cells: list[Cell]) -> list[list[Cell]]:
    """What of a group is tried anew after an error: halves where memory gave out, else each run alone if they are a few.

    One bad run must not cost the others.
    """
    if len(cells) == 1:
        return []
    if out_of_memory(error):
        log.warning("%s: out of memory with %d runs together; they go on in halves", cells[0].label, len(cells))
        half = len(cells) // 2
        return [cells[:half], cells[half:]]
    return [[cell] for cell in cells] if len(cells) <= _RETRY_ALONE else []


def out_of_memory(error: BaseException) -> bool:
    """Did a GPU or this machine have no memory left? torch's allocator of the CPU says so in words alone."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    )


@dataclass(frozen=True)
class Finished:
    """The rows of one finished group."""

    runs: list[dict[str, Any]]
    trace: dict[str, Any] | None = None
    spectrum: list[dict[str, Any]] = field(default_factory=list)
    machines: list[dict[str, Any]] = field(default_factory=list)


def _joined(traces: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not traces:
        return None
    return {name: np.concatenate([trace[name] for trace in traces]) for name in traces[0]}
