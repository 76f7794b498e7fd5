"""Checkpoints of a program: its whole state on disk now and then, so that a killed run goes on where it was.

A checkpoint holds all that the next step and the tables depend on: profile, the optimizer's state, buffers, the sum behind the
average, points that wait to be measured, states kept for spectra, the history so far, counts and clock. Draws have no state. A run
that goes on is therefore the undisturbed one bit for bit, on a CPU and wherever else sums have a fixed order; only its wall clock
and peak memory are other ones. File: ``DIR/checkpoints/CELL-CONTEXT/state.safetensors`` (`saddlebench.bench.tensor_files`), where
CELL is the hash of the group's cells.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import numpy as np
import torch

from saddlebench.bench.build import name_of, parameters_of
from saddlebench.bench.cells import Cell
from saddlebench.bench.measuring import Snapshot
from saddlebench.bench.oracle import Counts
from saddlebench.bench.recording import Clock, History, Point, Recorder
from saddlebench.bench.tensor_files import TensorFile, TensorFileError, parsed, write
from saddlebench.games.game import Profile
from saddlebench.results.failures import explained, log
from saddlebench.results.identity import digest

_FILE = "state.safetensors"
_LISTS = ("steps", "gradients", "products", "seconds", "waited", "yardstick")  # of a history


class Stop(Protocol):
    """Says when a program has to end; `saddlebench.bench.interrupts.Interrupts` is one."""

    @property
    def asked(self) -> bool:
        """Has it to end?"""
        ...

    def leave(self) -> NoReturn:
        """End it, by a KeyboardInterrupt."""
        ...

    def deferred(self) -> AbstractContextManager[None]:
        """While it lasts, nothing is raised but by `leave`."""
        ...


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints in a directory of results.

    Attributes:
        folder: the directory of results.
        resume: go on from what is there; False: begin anew.
        stop: says when the program has to end; then a last checkpoint is written. None: nobody does.
    """

    folder: Path
    resume: bool = True
    stop: Stop | None = None

    def of(self, cells: Sequence[Cell], context: str) -> "Checkpoint":
        """That of a group of cells."""
        keys = [cell.key for cell in cells]
        name = f"{keys[0] if len(keys) == 1 else digest(keys)}-{context}"
        path = self.folder / "checkpoints" / name / _FILE
        if not self.resume:
            path.unlink(missing_ok=True)
        minutes = cells[0].pairing.settings.checkpoint_minutes
        return Checkpoint(path, described(cells) | {"context": context}, 60 * minutes, self.stop)

    def patient(self) -> AbstractContextManager[None]:
        """While it lasts, who is asked to stop waits for the checkpoint of the step in hand."""
        return nullcontext() if self.stop is None else self.stop.deferred()


def described(cells: Sequence[Cell]) -> dict[str, Any]:
    """What a file says of the runs whose tensors it holds."""
    first = cells[0].pairing
    return {
        "cells": [cell.key for cell in cells],
        "seeds": [cell.seed for cell in cells],
        "game": first.identity["game"],
        "game_parameters": first.identity["game_parameters"],
        "game_source": first.identity["game_source"],
        "game_file": file_of(first.game),
        "optimizer": name_of(first.optimizer),
        "optimizer_parameters": [parameters_of(cell.pairing.optimizer) for cell in cells],
    }


def file_of(instance: Any) -> str | None:
    """``/path/mine.py:Class`` of a class from a user's file, or None."""
    module = type(instance).__module__
    if module.split(".")[0] == "saddlebench":
        return None
    file = getattr(sys.modules.get(module), "__file__", None)
    return file and f"{file}:{type(instance).__name__}"


class Checkpoint:
    """The checkpoint of one program.

    Args:
        path: of the file.
        about: `described`: a file that says otherwise is not this program's.
        seconds: between two; 0: none are written.
        stop: `Checkpoints`.
    """

    def __init__(self, path: Path, about: dict[str, Any], seconds: float, stop: Stop | None = None) -> None:
        self.path, self.about, self.seconds, self.stop = path, about, seconds, stop
        self._saved = time.monotonic()

    @property
    def due(self) -> bool:
        """Is it time for the next? Asked between steps; where none is written, an end that is asked for comes here."""
        if self.stop is not None and self.stop.asked:
            if not self.seconds:
                self.stop.leave()
            return True
        return 0 < self.seconds <= time.monotonic() - self._saved

    def save(self, now: Point, total: Profile | None, counts: Counts, clock: Clock, recorder: Recorder) -> None:
        """Write where a program stands, in place of what was there, and end it where that is asked for.

        Raises:
            KeyboardInterrupt: the stop's own; everything is on disk.
            StoreError: the disk is full or cannot be written to; the last checkpoint is kept.
        """
        history = recorder.history
        tree = {
            "w": now.w,
            "state": now.state,
            "buffers": now.buffers,
            "answers": recorder.optimizer.answers(now.w, now.state),
            "total": total,
            "pending": [{f.name: getattr(s, f.name) for f in dataclasses.fields(s)} for s in recorder.pending],
            "kept": {str(k): {"w": p.w, "state": p.state, "buffers": p.buffers} for k, p in history.kept.items()},
            "measures": [(*key, torch.from_numpy(np.concatenate(parts))) for key, parts in history.measures.items()],
        }
        header = {
            **self.about,
            "step": now.step,
            "gradient_parts": counts.gradient_parts,
            "product_parts": counts.product_parts,
            "clock": clock.read(),
            "waited": clock.waited,
            "history": {name: getattr(history, name) for name in _LISTS},
            "saved_at": time.time(),
        }
        with explained(self.path.parent, "the run so far is in its last checkpoint"):
            write(self.path, tree, header)
        self._saved = time.monotonic()
        if self.stop is not None and self.stop.asked:
            self.stop.leave()

    def load(self) -> TensorFile | None:
        """The file, or None where there is none; a torn or foreign one is reported and set aside."""
        try:
            data = self.path.read_bytes()
        except OSError:
            return None
        try:
            found = parsed(data)
            if {k: found.header.get(k) for k in ("cells", "context")} != {k: self.about[k] for k in ("cells", "context")}:
                raise TensorFileError("it is of other runs")
            return found
        except TensorFileError as error:
            self.set_aside(str(error))
            return None

    def set_aside(self, reason: str) -> None:
        """Rename a file that cannot be gone on from, and say so."""
        target = self.path.with_name(f"{_FILE}.set-aside")
        self.path.replace(target)
        log.warning("%s is set aside as %s: %s; the run begins anew", self.path, target.name, reason)

    def remove(self) -> None:
        """The program is finished: what it came to is in the tables. What was set aside stays."""
        for path in (self.path, *self.path.parent.glob(f".{_FILE}.*.part")):  # a kill leaves parts
            path.unlink(missing_ok=True)
        for folder in (self.path.parent, self.path.parent.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def resumed(file: TensorFile, start: Point, counts: Counts, clock: Clock, recorder: Recorder) -> tuple[Point, Profile | None]:
    """Where the program stood and its sum of iterates; counts, clock and recorder are brought to it.

    Args:
        file: of a checkpoint.
        start: where a program begins: the same make, and its device.
        counts: as at the start.
        clock: as at the start.
        recorder: with nothing recorded.

    Raises:
        TensorFileError: of another make; nothing was changed.
    """
    device = start.w[0].device

    def point(step: int, part: dict[str, Any]) -> Point:
        return Point(step, part["w"], part["state"], part["buffers"])

    make = {"w": start.w, "state": start.state, "buffers": start.buffers}
    now = point(file.header["step"], {k: file.tree(k, v, device) for k, v in make.items()})
    if [(x.shape, x.dtype) for x in now.w] != [(x.shape, x.dtype) for x in start.w]:
        raise TensorFileError("its profile has other sizes")
    total = file.tree("total", None, device)
    pending = [Snapshot(**s) for s in file.tree("pending", None, device)]
    kept = file.tree("kept", dict.fromkeys(file.structure["dict"]["kept"]["dict"], make), device)
    measures = {(answer, measure): [values.numpy()] for answer, measure, values in file.tree("measures")}
    history: History = recorder.history
    for name in _LISTS:
        setattr(history, name, list(file.header["history"][name]))
    history.measures, history.kept = measures, {int(k): point(int(k), p) for k, p in kept.items()}
    recorder.pending = pending
    counts.gradient_parts, counts.product_parts = file.header["gradient_parts"], file.header["product_parts"]
    clock.total, clock.waited = file.header["clock"], file.header["waited"]
    return now, total
