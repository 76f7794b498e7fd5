"""Who runs the groups: this process, other processes of this machine, or a Ray cluster. What is run and kept is the same."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import torch

from saddlebench.bench.cells import Cell, groups
from saddlebench.bench.context import commit_of_sources
from saddlebench.bench.runner import Place, Runner
from saddlebench.bench.workers.jobs import Append, Executor, Setup, StoppedError
from saddlebench.bench.workers.processes import Processes
from saddlebench.bench.workers.sweep import Sweep
from saddlebench.bench.workers.work import Work
from saddlebench.errors import InputError, unknown
from saddlebench.results.folder import MARKER
from saddlebench.results.journal import Key
from saddlebench.results.store import Store

EXECUTORS = ("processes", "ray")
FAILED = ("error", "timeout")
_SOURCES = ("commit", "dirty", "dtype", "torch_version", "threads")  # of a context: what another machine has in common


@dataclass(frozen=True)
class Crew:
    """Who runs the groups, if not this process.

    Attributes:
        workers: how many groups are run at once; None: with processes one, with Ray as many as the cluster takes.
        executor: one of `EXECUTORS`.
        address: of a Ray cluster; None: the one that this machine is part of, or else a new one of this machine.
        gpus: that a group takes of a Ray cluster: 0.5 lets two share one. None: one, if the cluster has any.
        threads: of torch, in each worker.
    """

    workers: int | None = None
    executor: str = "processes"
    address: str | None = None
    gpus: float | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise unknown("executor", self.executor, EXECUTORS)
        for name, value in (("workers", self.workers), ("threads", self.threads)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise InputError(f"{name} = {value!r}: a whole number from 1 on")
        if self.executor != "ray" and (self.address is not None or self.gpus is not None):
            raise InputError("address and gpus are of a Ray cluster: they go with the executor ray")
        if self.gpus is not None and not (self.gpus >= 0 and (self.gpus < 1 or self.gpus == int(self.gpus))):
            raise InputError(f"gpus = {self.gpus:g}: a part of one (0.25), or a whole number")

    @property
    def anywhere(self) -> bool:
        """May machines differ from this one? Then a cell is finished whichever of them ran it."""
        return self.executor == "ray"

    def engaged(self, place: Place, setup: Setup, append: Append) -> Executor:
        """The executor.

        Raises:
            InputError: Ray is not installed, or no cluster is there.
        """
        if self.executor == "ray":
            from saddlebench.bench.workers.cluster import Cluster

            return Cluster(setup, self.address, self.workers, self.gpus)
        return Processes(setup, devices(place.device, self.workers or 1), append)


def devices(device: torch.device, workers: int) -> list[str]:
    """The device of each worker: GPUs in turn, if one of them is not named; GPUs of another make than the first are left out."""
    if device.type != "cuda" or device.index is not None:
        return [str(device)] * workers
    name = torch.cuda.get_device_name(0)
    alike = [k for k in range(torch.cuda.device_count()) if torch.cuda.get_device_name(k) == name]
    return [f"cuda:{alike[k % len(alike)]}" for k in range(workers)]


class Stop(Protocol):
    """`saddlebench.bench.interrupts.Interrupts`."""

    @property
    def asked(self) -> bool:
        """Has the sweep to end?"""
        ...

    def deferred(self) -> AbstractContextManager[None]:
        """While it lasts, nothing is raised; at its end, what is pending."""
        ...

    def leave(self) -> NoReturn:
        """Raise what is pending."""
        ...


def carry_out(work: Work, runner: Runner, crew: Crew | None, store: Store | None = None, stop: Stop | None = None) -> list[Path]:
    """Run all groups, into the runner's sink; return the pictures that workers have written.

    Args:
        work: the groups.
        runner: runs them, where there is no crew; else its place and settings are the crew's.
        crew: who runs them; None: this process.
        store: whose folder pictures, models and checkpoints go to; None: there are none.
        stop: says when to end.

    Raises:
        KeyboardInterrupt: the stop's; what is finished is in the sink.
        InputError: bad input, found by a worker; a store that cannot be written.
    """
    try:
        if crew is None:
            runner.run(work.one_by_one(runner))
            work.tell(runner)
            return []
        folder, place = store and store.path, runner.place
        setup = Setup(
            folder=folder,
            commit=commit_of_sources(),
            device=str(place.device),
            dtype=place.dtype,
            timeout=place.timeout,
            threads=crew.threads,
            resume=runner.checkpoints is None or runner.checkpoints.resume,
            marked=int((folder / MARKER).stat().st_mtime) if folder and crew.anywhere else None,
        )

        def append(rows: dict[str, Any]) -> None:
            runner.sink.append(**rows)

        with nullcontext() if stop is None else stop.deferred(), crew.engaged(place, setup, append) as executor:
            sweep = Sweep(executor, runner, append, stop)
            sweep.carry_out(work, folder)
            return sweep.pictures
    except StoppedError:
        assert stop is not None, "nobody else could ask"
        stop.leave()
    finally:
        work.close()


def shared_work(cells: Sequence[Cell], runner: Runner, store: Store, finished: Callable[[], Collection[Key]]) -> Work:
    """The groups of which the store lacks something, to be shared with other runs in its directory."""
    before = store.others()  # first: what is written from here on is looked for again
    left = runner.todo(cells, finished())
    if runner.checkpoints is not None and (store.path / "checkpoints").is_dir():
        keys = {group[0].key for group in left}
        for group in groups(cells):
            if group[0].key not in keys:  # a kill came between its rows and the end of its checkpoint
                runner.checkpoints.of(group, runner.context(group[0])[1]).remove()
    return Work(left, store, before, finished, lambda cell: (cell.key, runner.context(cell)[1]))


def finished_in(
    store: Store, cells: Sequence[Cell], runner: Runner, force: bool = False, retry: bool = False, anywhere: bool = False
) -> Collection[Key]:
    """The (cell, context) that need not be run.

    Args:
        store: the results.
        cells: that are asked for.
        runner: whose contexts count.
        force: none is.
        retry: nor what ended in an error or a timeout.
        anywhere: what another machine has run of the same sources counts as if it had been run here.
    """
    found = done_of({} if force else store.keys(), force, retry)
    if force or not anywhere:
        return found
    contexts = {tuple(getattr(c, name) for name in _SOURCES): key for c, key in map(runner.context, cells)}
    runs: Any = store.read(("runs",)).runs[["cell", *_SOURCES, "status"]]
    for row in runs.astype(object).where(runs.notna(), None).itertuples(index=False):
        key = contexts.get(tuple(getattr(row, name) for name in _SOURCES))
        if key is not None and not (retry and row.status in FAILED):
            found.add((row.cell, key))
    return found


def done_of(statuses: Mapping[Key, str], force: bool, retry: bool) -> set[Key]:
    """Of what a directory holds, what need not be run."""
    return set() if force else {key for key, status in statuses.items() if not (retry and status in FAILED)}
