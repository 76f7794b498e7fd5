"""A Ray cluster as an executor: a group of cells is a task, wherever the cluster has room for it.

In a task a `Worker` runs the group in a process of its own, as on one machine: it is killed when it is late, and what becomes of it
says why it died. A node that is lost loses its tasks, which are submitted anew. Rows come back to who started the run, who alone
writes tables; pictures and models too, unless the nodes see the directory of results. Where they do, checkpoints lie there as well
and a group that lost its node goes on.
"""

import importlib
import os
import sys
import tempfile
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from saddlebench.bench.context import commit_of_sources
from saddlebench.bench.workers.jobs import Ended, Job, LostWorkerError, Setup, StoppedError
from saddlebench.bench.workers.processes import Worker
from saddlebench.errors import InputError
from saddlebench.results.folder import MARKER

_AHEAD = 2  # tasks submitted for each that fits: the next one waits where room will be, and an autoscaler sees what is wanted


class Cluster:
    """A Ray cluster as an `Executor`.

    Args:
        setup: of all jobs.
        address: ``"auto"``, ``"host:port"``, ``"ray://host:port"``; None: this machine's cluster, or a new one of it alone.
        workers: jobs at once; None: as many as fit.
        gpus: that a job takes.

    Raises:
        InputError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, setup: Setup, address: str | None, workers: int | None, gpus: float | None) -> None:
        try:
            ray: Any = importlib.import_module("ray")
        except ImportError:
            raise InputError('the executor ray needs Ray: pip install "saddlebench[ray]"') from None
        self.ray = ray
        self._began = not ray.is_initialized()
        if self._began:
            try:
                ray.init(address=address, log_to_driver=False, configure_logging=False)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise InputError(f"no Ray cluster at {address or 'this machine'}: {str(error).splitlines()[0]}") from error
        room: dict[str, float] = ray.cluster_resources()
        if gpus is None:
            gpus = 1.0 if room.get("GPU") and setup.device != "cpu" else 0.0
        if gpus > room.get("GPU", 0.0):
            self.__exit__()
            raise InputError(f"a group takes {gpus:g} GPUs and the cluster has {room.get('GPU', 0.0):g}")
        fits = room.get("CPU", 1.0) / setup.threads
        fits = min(fits, room["GPU"] / gpus) if gpus else fits
        self.slots = workers or max(1, int(_AHEAD * fits))
        self._setup = ray.put(replace(setup, device="cpu" if not gpus and setup.device == "auto" else setup.device))
        # Lost tasks are made up for by `Sweep`, as lost processes are; Ray's own retries would hide them.
        self._task = ray.remote(num_cpus=setup.threads, num_gpus=gpus, max_retries=0)(run_here)
        self._flying: dict[Future[Ended], Any] = {}

    def submit(self, job: Job) -> Future[Ended]:
        """Run a job somewhere."""
        reference = self._task.remote(self._setup, job.cells)
        future: Future[Ended] = Future()
        self._flying[future] = reference
        reference.future().add_done_callback(lambda told: self._came(future, told))
        return future

    def _came(self, future: Future[Ended], told: Future[Ended]) -> None:
        self._flying.pop(future, None)
        error = told.exception()
        if error is None:
            future.set_result(told.result())
        else:
            future.set_exception(self._meaning(error))

    def _meaning(self, error: BaseException) -> BaseException:
        """What a failed task says, in the words that processes use."""
        kinds = self.ray.exceptions
        if isinstance(error, kinds.RayTaskError):
            return error.cause if isinstance(error.cause, Exception) else error  # pyright: ignore[reportAttributeAccessIssue]: Ray's
        if isinstance(error, kinds.TaskCancelledError):
            return StoppedError()
        if isinstance(error, kinds.OutOfMemoryError):
            return LostWorkerError("its worker was killed by Ray: the node's memory was used up", fault=True)
        return LostWorkerError(f"its worker or its node was lost ({type(error).__name__})", fault=False)

    def stop(self) -> None:
        """Ask all jobs to write a checkpoint and end."""
        for reference in list(self._flying.values()):
            with suppress(self.ray.exceptions.RayError):
                self.ray.cancel(reference)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *ending: Any) -> None:
        if ending and ending[0] is not None:
            self.stop()
        if self._began:
            self.ray.shutdown()


_worker: Worker | None = None  # of this process of Ray's: it has imported torch
_visible: str | None = None


def run_here(setup: Setup, cells: bytes) -> Ended:
    """Run a job on this node.

    Raises:
        InputError: other sources than those of who asks.
    """
    if commit_of_sources() != setup.commit:
        raise InputError(f"a node of the cluster has other sources of saddlebench: {_version(commit_of_sources())} there, "
                         f"{_version(setup.commit)} here")  # fmt: skip
    appends: list[dict[str, Any]] = []
    folder = setup.folder
    if folder is None or _sees(folder, setup.marked):
        ended = _worker_of(setup).run(Job(cells), appends.append)
        return Ended(appends, ended.pictures)
    with tempfile.TemporaryDirectory(prefix="saddlebench-") as name:
        aside = Path(name)
        ended = _worker_of(replace(setup, folder=aside)).run(Job(cells), appends.append)
        there = {str(path.relative_to(aside)): path.read_bytes() for path in aside.rglob("*") if path.is_file()}
    files = {path: content for path, content in there.items() if not path.startswith("checkpoints/")}
    return Ended(appends, [folder / path.relative_to(aside) for path in ended.pictures], files)


def _worker_of(setup: Setup) -> Worker:
    """The worker of this process of Ray's, with the GPUs that Ray has given it now."""
    global _worker, _visible
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if _worker is None or _worker.setup != setup or _visible != visible:
        if _worker is not None:
            _worker.kill()
        # Ray's main module is a program, which multiprocessing would run again in every child.
        vars(sys.modules["__main__"]).pop("__file__", None)
        _worker, _visible = Worker(setup), visible
    return _worker


def _sees(folder: Path, marked: int | None) -> bool:
    """Is the directory of results the same one here?"""
    try:
        return int((folder / MARKER).stat().st_mtime) == marked
    except OSError:
        return False


def _version(commit: tuple[str, str | None]) -> str:
    return commit[0][:12] + (f" with changes {commit[1][:6]}" if commit[1] else "")
