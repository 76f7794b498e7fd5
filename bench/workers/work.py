"""The groups of cells that are to be run, handed out one by one: each to one of the runs that share a directory of results."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from saddlebench.bench.cells import Cell
from saddlebench.bench.runner import Runner
from saddlebench.results.identity import digest
from saddlebench.results.journal import Key
from saddlebench.results.locking import Lock
from saddlebench.results.store import Store

_WAIT_SECONDS = 0.5  # between two looks at what others are running


class Work:
    """Groups that are to be run.

    Args:
        groups: of cells; none of them is finished.
        store: where others may run the same at the same time: a group is locked while it is run (``DIR/claims``, released with its
            process), and those that somebody else has finished meanwhile are left out. None: nobody else is there.
        seen: `Store.others`, from before it was found out what is finished.
        finished: the (cell, context) that need not be run, as of now; asked when others have written.
        key: the (cell, context) of a cell.
    """

    def __init__(
        self,
        groups: Sequence[list[Cell]],
        store: Store | None = None,
        seen: object = None,
        finished: Callable[[], Collection[Key]] = tuple,
        key: Callable[[Cell], Key] = lambda cell: (cell.key, ""),
    ) -> None:
        self._waiting = deque(groups)
        self._store, self._finished, self._key = store, finished, key
        self._seen = seen
        self._claims: dict[int, Lock] = {}
        self.elsewhere: list[list[Cell]] = []
        """Groups that others have finished; who reads them takes them out."""

    @property
    def waiting(self) -> Sequence[list[Cell]]:
        """Groups that have not been handed out."""
        return self._waiting

    def take(self) -> list[Cell] | None:
        """The next group that nobody else is running; None: there is none now, or none at all."""
        busy = 0
        while busy < len(self._waiting):
            group = self._waiting.popleft()
            if self._store is None:
                return group
            lock = self._locked(self._store.path / "claims" / f"{digest([cell.key for cell in group])}.lock")
            if lock is None:
                self._waiting.append(group)
                busy += 1
            elif self._done_by_others(self._store, group):
                lock.release(remove=True)
                self.elsewhere.append(group)
            else:
                self._claims[id(group)] = lock
                return group
        return None

    def _locked(self, path: Path) -> Lock | None:
        while True:
            path.parent.mkdir(exist_ok=True)
            try:
                return Lock.take(path)
            except FileNotFoundError:  # another run has ended and taken the folder away
                continue

    def _done_by_others(self, store: Store, group: list[Cell]) -> bool:
        seen = store.others()
        if seen == self._seen:
            return False
        self._seen = seen
        known = self._finished()
        done = [group for group in self._waiting if all(self._key(cell) in known for cell in group)]
        for other in done:
            self._waiting.remove(other)
        self.elsewhere += done
        return all(self._key(cell) in known for cell in group)

    def release(self, group: list[Cell]) -> None:
        """The group is in the store, or given up."""
        lock = self._claims.pop(id(group), None)
        if lock is not None:
            lock.release(remove=True)

    def close(self) -> None:
        """Let go of everything."""
        self._release_all()
        if self._store is not None:
            for path in (self._store.path / "claims").glob("*.lock"):
                if lock := Lock.take(path):  # of a run that was killed
                    lock.release(remove=True)
            with suppress(OSError):  # others are at work, or nothing was claimed
                (self._store.path / "claims").rmdir()

    def one_by_one(self, runner: Runner) -> Iterator[list[Cell]]:
        """All groups, for a runner in this process; waits for those that others are running."""
        while self._waiting:
            group = self.take()
            self.tell(runner)
            if group is None and self._waiting:
                runner.flush()
                self._release_all()  # or two runs would wait for each other
                time.sleep(_WAIT_SECONDS)
            elif group is not None:
                yield group
                if not runner.pending:
                    self._release_all()

    def tell(self, runner: Runner) -> None:
        """Count what others have finished in the runner's progress."""
        while self.elsewhere:
            cells = len(self.elsewhere.pop())
            if runner.progress is not None:
                runner.progress.done(cells)

    def _release_all(self) -> None:
        for lock in self._claims.values():
            lock.release(remove=True)
        self._claims.clear()
