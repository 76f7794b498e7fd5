"""Advisory locks that the operating system releases when their holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Lock:
    """An exclusive lock on a file of its own, held from construction to `release()` or the end of the process.

    flock, not POSIX record locks: those are dropped when *any* descriptor of the file is closed in the process, and
    would never conflict between two stores in one process.
    """

    def __init__(self, path: Path, descriptor: int):
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "Lock | None":
        """The lock on `path`, which is created where missing, or None while somebody else holds it."""
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            try:
                # Its last holder may have removed the file since we opened it: then nobody else sees our lock.
                if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
                    return cls(path, descriptor)
            except FileNotFoundError:
                pass
            os.close(descriptor)

    def release(self, remove: bool = False) -> None:
        """Let go of the lock, with `remove` also of its file."""
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Wait until nobody holds `path` exclusively and keep it so. Nothing to wait for where the file is missing."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until nobody holds `path`, which must exist, and hold it alone."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "ceph", "beegfs", "9p", "afs", "panfs", "wekafs", "glusterfs")


def on_network(folder: Path) -> bool:
    """Do other hosts see the folder too? By the kind of its file system; False where that cannot be told (outside Linux)."""
    try:
        mounts = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    except OSError:
        return False
    where = folder.resolve()
    points = {Path(left.split()[4].replace("\\040", " ")): right.split()[0] for left, right in mounts}  # later ones lie on top
    kind = next(points[place] for place in (where, *where.parents) if place in points)
    return kind.removeprefix("fuse.") in _NETWORK
