"""Ctrl-C and SIGTERM: at once between steps, after the step or the write in hand within one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, NoReturn


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
    """While active, the two signals raise `Interrupted`.

    Within `shield` they wait for its end. Within `deferred` the first only sets `asked`, for whoever steps to save and `leave`
    when it suits him; a second one does not wait.
    """

    def __init__(self) -> None:
        self._pending: int | None = None
        self._shielded = False
        self._deferred = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # only there can handlers be set
            self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first = self._pending is None
        self._pending = number
        if not self._shielded and not (self._deferred and first):
            raise Interrupted(number)

    @property
    def asked(self) -> bool:
        """Has a signal come?"""
        return self._pending is not None

    def leave(self) -> NoReturn:
        """Raise what is pending: all is saved."""
        raise Interrupted(self._pending or signal.SIGINT)

    def check(self) -> None:
        """Raise what is pending: a signal that came within a shield, or inside a callback where Python drops exceptions."""
        if self._pending is not None and not self._shielded and not self._deferred:
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

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let the block see that an end is `asked`; raise at its end at the latest."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
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
