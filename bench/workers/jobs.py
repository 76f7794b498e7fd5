"""What travels to a worker and back."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Rows = dict[str, Any]
"""The arguments of one append to a store."""


@dataclass(frozen=True)
class Setup:
    """What all jobs of a run share.

    Attributes:
        folder: the directory of results, for pictures, models and checkpoints; None: there is none.
        marked: of the folder's marker the second in which it was made, by which another machine knows the folder; None: the same
            machine, which need not look.
        commit: commit and dirty hash of the sources that are to be run.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        dtype: as `saddlebench.bench.runner.Place` has it.
        timeout: likewise; a worker that is much later is killed.
        threads: of torch, in each worker.
        resume: go on from checkpoints.
    """

    folder: Path | None
    commit: tuple[str, str | None]
    device: str
    dtype: str | None = None
    timeout: float | None = None
    threads: int = 1
    resume: bool = True
    marked: int | None = None


@dataclass
class Job:
    """A group of cells under way.

    Attributes:
        cells: `saddlebench.bench.workers.parcel.packed`.
        share: of its steps that are done.
    """

    cells: bytes
    share: float = 0.0


@dataclass
class Ended:
    """What a job came to.

    Attributes:
        appends: rows that are not in the store yet.
        pictures: written by the worker.
        files: files by their path in the directory of results, which the worker could not write itself.
    """

    appends: list[Rows] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


class LostWorkerError(Exception):
    """A worker came to its end before its job did.

    Args:
        reason: in words.
        fault: is the job itself likely to be at fault: a crash, or memory? Else it was killed or its machine is gone.
    """

    def __init__(self, reason: str, fault: bool) -> None:
        super().__init__(reason)
        self.reason, self.fault = reason, fault

    def __reduce__(self) -> Any:
        return LostWorkerError, (self.reason, self.fault)


class LateWorkerError(Exception):
    """A worker was killed because its time was over."""


class StoppedError(Exception):
    """A worker was asked to stop and has written its checkpoint."""


class Executor(Protocol):
    """Runs jobs beside each other, in the shape of `concurrent.futures.Executor`; a context manager that ends all workers."""

    slots: int
    """Jobs that it takes at once."""

    def submit(self, job: Job) -> Future[Ended]:
        """Run a job. The future raises LostWorkerError, LateWorkerError, StoppedError, or InputError."""
        ...

    def stop(self) -> None:
        """Ask all jobs to write a checkpoint and end."""
        ...

    def __enter__(self) -> "Executor": ...

    def __exit__(self, *ending: Any) -> None: ...


Append = Callable[[Rows], None]
"""Takes the rows of one append when they come."""
