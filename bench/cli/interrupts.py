"""Ctrl-C and SIGTERM: at once between writes, after the write in hand within one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """The user, or who runs this machine, wants the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @property
    def exit_code(self) -> int:
        """130 for SIGINT, 143 for SIGTERM."""
        return 128 + self.number


class Interrupts:
    """While active, the two signals raise `Interrupted`; within `shield` they wait for its end."""

    def __init__(self) -> None:
        self._pending: int | None = None
        self._shielded = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # only there can handlers be set
            self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._pending = number
        if not self._shielded:
            raise Interrupted(number)

    def check(self) -> None:
        """Raise what is pending: a signal that came within a shield, or inside a callback where Python drops exceptions."""
        if self._pending is not None and not self._shielded:
            raise Interrupted(self._pending)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Let the block come to its end before an interrupt is raised."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False
        self.check()


class ShieldedSink:
    """A sink whose appends end before an interrupt is raised; counts the groups and cells that are in.

    Args:
        sink: what takes the rows.
        interrupts: to wait with.
    """

    def __init__(self, sink: Any, interrupts: Interrupts) -> None:
        self.sink, self.interrupts = sink, interrupts
        self.cells = 0

    def append(self, runs: Any = None, trace: Any = None, spectrum: Any = None, machines: Any = None) -> None:
        """Add one group of rows, whole or not at all."""
        with self.interrupts.shield():
            self.sink.append(runs, trace, spectrum, machines)
            self.cells += 0 if runs is None else len(runs["cell"])
