"""Failures of storage as one line that says what is kept."""

import errno
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saddlebench.errors import InputError

log = logging.getLogger("saddlebench.results")
"""Reports what was set aside or skipped. Unless configured otherwise, Python prints such warnings to standard error."""


class StoreError(InputError):
    """Results cannot be stored, or not be read back: one line that says what is kept and what to do."""


class DamagedError(Exception):
    """A file of the store is torn or foreign. Caught inside this package, which reports the file and sets it aside."""


_FULL = ("database or disk is full", "disk i/o error")  # the second: SQLite's words for a file-size limit


@contextmanager
def explained(folder: Path, kept: str) -> Iterator[None]:
    """Turn failures of writing below `folder` into a StoreError of one line that ends in `kept`."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            words = error.strerror or str(error)
        else:
            full = str(error).lower() in _FULL
            words = str(error)
        if full:
            raise StoreError(f"no space left for results in {folder} ({words}): {kept}; free space, then go on") from error
        raise StoreError(f"cannot write results in {folder} ({words}): {kept}") from error
