"""Workers on this machine: processes, each with a pipe of its own, that may be killed at any moment.

Why not a library's pool: those of the standard library, loky and pebble let all workers write into one pipe under one lock. A
worker that is killed between two bytes of a result leaves the pipe torn and the lock taken, and the others wait for ever (pebble),
or the pool breaks and every job in flight is lost (`concurrent.futures`, loky). Here each thread of a
`concurrent.futures.ThreadPoolExecutor` holds one worker, and a worker's death is the end of a pipe that nobody else uses.
"""

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from saddlebench.bench.workers import worker
from saddlebench.bench.workers.jobs import Append, Ended, Job, LateWorkerError, LostWorkerError, Setup, StoppedError
from saddlebench.errors import InputError

_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE}
_PRELOADED = ["saddlebench.bench.cli", worker.__name__]
_GUARD = 'in a script of your own, what runs saddlebench stands under if __name__ == "__main__":'
_GRACE_SECONDS = 30.0  # beyond its timeout: a program ends by itself after a step, and has then to be measured
_PATIENCE_SECONDS = 20.0  # for a checkpoint
_GONE = 255  # multiprocessing's exit code where the fork server died too
_STILLBORN = 20  # workers that may be killed before they have come up
_starting = threading.Lock()  # multiprocessing's own list of children is for one thread


def method() -> Any:
    """How processes are started: by a server that has imported torch and forks in milliseconds, where that is safe."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(_PRELOADED)
    return server


class Worker:
    """One worker, started when it is first needed and again after its death."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.process: Any = None
        self._pipe: Connection | None = None
        self._stopping = self._ready = False

    def run(self, job: Job, append: Append) -> Ended:
        """Run a job to its end.

        Args:
            job: its `share` is kept up to date.
            append: given the rows, as they come; the worker waits for it.

        Raises:
            LostWorkerError: the worker died.
            LateWorkerError: it was killed because it was late.
            StoppedError: it has been stopped.
            InputError: bad input.
        """
        try:
            return self._run(job, append)
        except LostWorkerError:
            raise
        except KeyboardInterrupt:  # Ray's way to cancel
            self.stop()
            self.process.join(_PATIENCE_SECONDS)
            self.kill()
            raise StoppedError from None
        except BaseException:
            self.kill()
            raise

    def _run(self, job: Job, append: Append) -> Ended:
        stillborn = 0
        while not self._stopping:
            kills = memory_kills()
            try:
                pipe = self._pipe or self._start()
                if self._stopping:  # asked while it was started, which it did not hear
                    break
                pipe.send(job.cells)
                return self._listen(pipe, job, append)
            except (EOFError, ConnectionError):
                lost = self._lost(kills)
                stillborn += not self._ready
                if self._ready or stillborn == _STILLBORN or not isinstance(lost, LostWorkerError):
                    raise lost from None
                # It was killed before it could begin, which says nothing of the job.
        raise StoppedError

    def _start(self) -> Connection:
        self.kill()
        context = method()
        pipe, other = context.Pipe()
        process = context.Process(target=worker.serve, args=(other, self.setup), daemon=True)
        self._ready = False
        with _starting:
            process.start()
        other.close()  # the worker's end is the worker's alone: when it dies, the pipe ends
        self.process, self._pipe = process, pipe
        return pipe

    def _listen(self, pipe: Connection, job: Job, append: Append) -> Ended:
        limit = self.setup.timeout
        until = None if limit is None else time.monotonic() + limit + _GRACE_SECONDS
        while True:
            if not pipe.poll(None if until is None else max(0.0, until - time.monotonic())):
                self.kill()
                assert limit is not None, "there is no end without a limit"
                raise LateWorkerError(f"killed {_GRACE_SECONDS:g} s after its {limit:g} s: a step or a measure did not end")
            kind, value = pipe.recv()
            if kind == "ready":
                self._ready = True
            elif kind == "share":
                job.share = value
            elif kind == "rows":
                append(value)
                pipe.send("stored")
            elif kind == "done":
                return Ended(pictures=value)
            elif kind == "refused":
                raise InputError(value)
            elif self._stopping:
                raise StoppedError
            else:  # somebody else has asked it to stop
                raise EOFError

    def _lost(self, kills: int) -> Exception:
        """Why the worker is gone."""
        code, ready = _GONE, self._ready
        if self.process is not None:
            self.process.join(5)
            code = self.process.exitcode
        self.kill()
        if self._stopping:
            return StoppedError()
        if code == 1 and not ready:
            return InputError(f"a worker could not be started (what it said is above): {_GUARD}")
        if code is None or code == _GONE:
            return LostWorkerError("its worker is gone", fault=False)
        if code >= 0 and code != 128 + signal.SIGTERM:
            return LostWorkerError(f"its worker ended by itself with exit code {code}", fault=True)
        number = signal.SIGTERM if code > 0 else signal.Signals(-code)
        if number == signal.SIGKILL and memory_kills() > kills:
            return LostWorkerError("its worker was killed by the system: the machine's memory was used up", fault=True)
        if number in _CRASHES:
            return LostWorkerError(f"its worker crashed ({number.name})", fault=True)
        return LostWorkerError(f"its worker was killed ({number.name}), for memory or by somebody", fault=False)

    def stop(self) -> None:
        """Ask it to write a checkpoint and end."""
        self._stopping = True
        process = self.process
        if process is not None and process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it now, if it is there."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.kill()
            self.process.join()
            self.process = None


class Processes:
    """Workers of this machine as an `Executor`.

    Args:
        setup: of all of them.
        devices: of each worker.
        append: given rows as they come, from any thread.
    """

    def __init__(self, setup: Setup, devices: Sequence[str], append: Append) -> None:
        self.slots = len(devices)
        self.workers = [Worker(replace(setup, device=device)) for device in devices]
        self._append = append
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for one in self.workers:
            self._idle.put(one)
        self._threads = ThreadPoolExecutor(self.slots)

    def submit(self, job: Job) -> Future[Ended]:
        """Run a job on the next worker that is free."""
        return self._threads.submit(self._run, job)

    def _run(self, job: Job) -> Ended:
        one = self._idle.get()
        try:
            return one.run(job, self._append)
        finally:
            self._idle.put(one)

    def stop(self) -> None:
        """Ask all to write a checkpoint and end."""
        for one in self.workers:
            one.stop()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *ending: Any) -> None:
        for one in self.workers:
            one.stop()
            if one.process is not None:
                with suppress(ProcessLookupError, AttributeError):
                    one.process.kill()
        self._threads.shutdown(cancel_futures=True)
        for one in self.workers:
            one.kill()


def memory_kills() -> int:
    """How many processes the kernel has killed on this machine because memory was used up."""
    try:
        with open("/proc/vmstat") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0
