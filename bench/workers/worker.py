"""A worker's side: a process that runs the groups of cells that come through a pipe, until the pipe or its parent ends.

It says ("ready", None), and of a group ("share", fraction of its steps), ("rows", one append), for which it waits until they are
"stored", and at last ("done", pictures), ("refused", bad input) or ("stopped", None). It imports torch once; where the fork server
has imported this module before, not even that.
"""

import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from saddlebench.bench.artefacts import save_samples
from saddlebench.bench.checkpoints import Checkpoints
from saddlebench.bench.context import pin_commit, resolve_device
from saddlebench.bench.interrupts import Interrupted, Interrupts
from saddlebench.bench.runner import Place, Runner
from saddlebench.bench.workers.jobs import Setup
from saddlebench.bench.workers.parcel import unpacked
from saddlebench.errors import InputError


def serve(pipe: Connection, setup: Setup) -> None:
    """Run what comes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(setup.threads)
    pin_commit(setup.commit)
    with Interrupts() as interrupts:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes: who started this one decides
        try:
            device = resolve_device(setup.device)
            if device.type == "cuda":
                torch.cuda.set_device(device)
            place = Place(device, setup.dtype, setup.timeout)
            pipe.send(("ready", None))
            while True:
                _run(pipe, setup, place, interrupts, pipe.recv())
        except InputError as error:
            pipe.send(("refused", str(error)))
        except Interrupted as ended:
            pipe.send(("stopped", None))
            sys.exit(ended.exit_code)
        except (EOFError, ConnectionError):  # nobody wants anything any more
            os._exit(0)


def _run(pipe: Connection, setup: Setup, place: Place, interrupts: Interrupts, cells: bytes) -> None:
    pictures: list[Path] = []
    folder = setup.folder
    runner = Runner(
        _Relay(pipe, interrupts),
        place,
        _Told(pipe),
        None if folder is None else save_samples(folder, pictures),
        None if folder is None else Checkpoints(folder, setup.resume, interrupts),
    )
    runner.run([unpacked(cells)])
    pipe.send(("done", pictures))


def _end_with_parent() -> None:
    """Whoever kills the parent kills its workers: nobody would take what they find."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Relay:
    """A sink at the other end of the pipe: an append has ended when it is in the store there."""

    def __init__(self, pipe: Connection, interrupts: Interrupts) -> None:
        self.pipe, self.interrupts = pipe, interrupts

    def append(self, runs: Any = None, trace: Any = None, spectrum: Any = None, machines: Any = None) -> None:
        """Hand one group of rows over."""
        with self.interrupts.shield():
            self.pipe.send(("rows", {"runs": runs, "trace": trace, "spectrum": spectrum, "machines": machines}))
            self.pipe.recv()


class _Told:
    """Progress at the other end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe

    def begin(self, label: str, cells: int) -> None:
        """It is known there."""

    def advance(self, fraction: float) -> None:
        """The group has done this fraction of its steps."""
        self.pipe.send(("share", fraction))

    def done(self, cells: int) -> None:
        """It will be told by `done`."""
