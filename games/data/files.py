"""Where the data cache is, and files that appear in it whole or not at all, and are opened only so."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from platformdirs import user_cache_dir

_SCRATCH = ".fetch-"
_STALE_SECONDS = 24 * 3600


def data_root() -> Path:
    """The cache's folder: ``$SADDLEBENCH_DATA`` if it is set, or else ``data`` in the user's cache directory."""
    chosen = os.environ.get("SADDLEBENCH_DATA")
    return Path(chosen).expanduser().absolute() if chosen else Path(user_cache_dir("saddlebench")) / "data"


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes ``path``'s place when the block ends, and leaves nothing behind when it raises.

    Readers see the old file or the new one: the bytes go to a file of the same directory under a name of their own (two
    processes may write at once; the last rename stays), are synced to disk, and are renamed.

    Raises:
        OSError: the directory cannot be written to, or the disk is full.
    """
    # Not tempfile: its files are private to the user, and a cache is often shared by a group.
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


@contextmanager
def scratch_directory(home: Path) -> Iterator[Path]:
    """An empty directory inside ``home`` that is removed when the block ends; what killed processes left there goes
    too.

    Raises:
        OSError: ``home`` cannot be written to.
    """
    for left in [*home.glob(f"{_SCRATCH}*"), *home.glob(".*.part")]:
        try:
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        except OSError:
            continue  # another process is tidying too, or it is not ours to remove
    scratch = home / f"{_SCRATCH}{os.getpid()}-{secrets.token_hex(4)}"
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def open_array(path: Path, shape: Sequence[int]) -> np.ndarray | None:
    """A uint8 array of a ``.npy`` file, memory-mapped copy-on-write; None when it is missing, torn or of another shape."""
    try:
        array = np.load(path, mmap_mode="c")
        whole = isinstance(array, np.memmap) and array.offset + array.nbytes == path.stat().st_size
    except (OSError, ValueError, EOFError):
        return None
    return array if whole and array.dtype == np.uint8 and array.shape == tuple(shape) else None


def _sync_directory(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut, where the system can (Windows cannot open directories)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
