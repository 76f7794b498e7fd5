"""Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, Self

_FORETOLD = 0.01  # of the work, from which the time left is estimated
_SECONDS_BETWEEN_LINES = 5.0


class Shown(Protocol):
    """A progress display; `saddlebench.bench.runner.Progress`, as a context manager."""

    def begin(self, label: str, cells: int) -> None:
        """A group of cells begins."""
        ...

    def advance(self, fraction: float) -> None:
        """The current group has done this fraction."""
        ...

    def done(self, cells: int) -> None:
        """A group of cells is in the store."""
        ...

    def __enter__(self) -> Self:
        """Appear."""
        ...

    def __exit__(self, *ending: Any) -> None:
        """Go."""
        ...


def progress(cells: int, check: Callable[[], None] = lambda: None, noun: str = "cells") -> Shown:
    """The display that fits standard error.

    Args:
        cells: how many are to be run.
        check: called at every event; may raise to end the run.
        noun: what they are.
    """
    return Bar(cells, check, noun) if sys.stderr.isatty() else Lines(cells, check, noun)


class _Counted:
    """What both displays count."""

    def __init__(self, cells: int, check: Callable[[], None], noun: str = "cells") -> None:
        self.cells, self.check, self.noun = cells, check, noun
        self.finished, self.current, self.within = 0, 0, 0.0
        self.label = ""
        self.began = time.monotonic()

    def begin(self, label: str, cells: int) -> None:
        """A group of cells begins."""
        self.label, self.current, self.within = label, cells, 0.0
        self.changed()
        self.check()

    def advance(self, fraction: float) -> None:
        """The current group has done this fraction."""
        self.within = fraction
        self.changed()
        self.check()

    def done(self, cells: int) -> None:
        """A group of cells is in the store."""
        self.finished += cells
        self.current, self.within = 0, 0.0
        self.changed()
        self.check()

    def changed(self) -> None:
        """Show it."""
        raise NotImplementedError

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self.began

    @property
    def made(self) -> float:
        """Cells done, with the part of the current group."""
        return self.finished + self.within * self.current


class Bar(_Counted):
    """A bar: cells done, the current cell, time left."""

    def __init__(self, cells: int, check: Callable[[], None], noun: str = "cells") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        super().__init__(cells, check, noun)
        self.bar = Progress(
            BarColumn(bar_width=24),
            TextColumn(f"{{task.fields[finished]}}/{{task.total:.0f}} {noun}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            refresh_per_second=4,  # its thread takes time from the runs
            transient=True,
        )
        self.task = self.bar.add_task("", total=cells, finished=0)

    def changed(self) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=self.made, description=self.label, finished=self.finished)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *ending: Any) -> None:
        self.bar.stop()


class Lines(_Counted):
    """A plain line at most every few seconds, and one at the end."""

    def __init__(self, cells: int, check: Callable[[], None], noun: str = "cells") -> None:
        super().__init__(cells, check, noun)
        self.said = self.began

    def changed(self) -> None:
        """Say it, unless something was said a moment ago."""
        if time.monotonic() - self.said < _SECONDS_BETWEEN_LINES:
            return
        self.said = time.monotonic()
        begun = self.made >= _FORETOLD * self.cells  # what came before the first steps says nothing of the others
        left = self.elapsed * (self.cells - self.made) / self.made if self.made and begun else None
        estimate = "" if left is None else f", about {duration(left)} left"
        print(
            f"{self.finished}/{self.cells} {self.noun}, {duration(self.elapsed)}{estimate}: {self.label}",
            file=sys.stderr,
            flush=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: Any) -> None:
        if self.finished:
            print(f"{self.finished}/{self.cells} {self.noun} in {duration(self.elapsed)}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """``4.2 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60) if seconds >= 3600 else int(seconds // 60)
    if seconds < 3600:
        return f"{minutes} min {seconds - 60 * minutes:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min"
