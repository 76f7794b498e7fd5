"""A directory of results: appended to by any number of processes at once, read as four tables.

>>> with Store("results/runs/night") as store:
...     done = store.keys()
...     todo = [key for key in wanted if key not in done]
...     store.append(runs=[row], trace=checkpoints)
...     store.compact()
>>> read("results/runs/night").runs
"""

import os
import threading
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pandas as pd
import pyarrow as pa

from saddlebench.results.casting import Rows, arrow_schema, to_arrow, to_frame
from saddlebench.results.compaction import compact
from saddlebench.results.failures import StoreError
from saddlebench.results.folder import MARKER, opened, prepare, require_store, tidy
from saddlebench.results.journal import Journal, Key
from saddlebench.results.locking import shared
from saddlebench.results.schema import TABLES, SchemaError
from saddlebench.results.view import stacked

__all__ = ["Key", "Store", "StoreError", "Tables", "read"]


@dataclass(frozen=True)
class Tables:
    """The four tables of results, as `saddlebench.results.schema` declares them, and what reading had to skip."""

    runs: pd.DataFrame
    trace: pd.DataFrame
    spectrum: pd.DataFrame
    machines: pd.DataFrame
    notices: tuple[str, ...] = ()

    @classmethod
    def empty(cls) -> "Tables":
        """Four tables without rows."""
        runs, trace, spectrum, machines = (to_frame(table, arrow_schema(table).empty_table()) for table in TABLES)
        return cls(runs, trace, spectrum, machines)


def read(
    path: str | os.PathLike[str],
    tables: Collection[str] = tuple(TABLES),
    trace: Mapping[str, Iterable[str]] | None = None,
) -> Tables:
    """The results in the directory `path`, journals and Parquet files as one; those not named in `tables` come empty.

    A large trace is read faster where only a part is wanted: `trace` gives, for a text column of it, the values to read, as in
    ``read(path, ("trace",), trace={"measure": ["distance"], "answer": ["last"]})``.

    Nothing in the directory is changed. Torn and foreign files are skipped, with a warning in the log and in `notices`.
    Every (cell, context) comes once. Raises InputError where there are no results, StoreError for another schema
    version.
    """
    folder = Path(path).absolute()
    require_store(folder)
    notices: list[str] = []
    frames: dict[str, pd.DataFrame] = {}
    only = {name: pa.array(list(values), pa.string()) for name, values in (trace or {}).items()}
    with shared(folder / MARKER), opened(folder, notices=notices) as view:
        for table in TABLES:
            chosen = view.batches(table, only=only if table == "trace" else None)
            frames[table] = to_frame(table, stacked(table, chosen) if table in tables else arrow_schema(table).empty_table())
    return Tables(**frames, notices=tuple(notices))


class Store:
    """The results in a directory, open for writing; a context manager that closes.

    Opening creates the directory (with `create`), sets aside what is torn or foreign among the store's files and says
    so in the log and in `notices`. Raises InputError where `path` is a file, cannot be written, or holds something
    else; StoreError for another schema version. Any number of stores may be open on one directory; one store may be
    used by several threads, and after a fork the child goes on with a journal of its own.
    """

    def __init__(self, path: str | os.PathLike[str], create: bool = True):
        self.path = Path(path).absolute()  # absolute, because the process may change its directory
        self.notices: list[str] = []
        prepare(self.path, create)
        self._newest = tidy(self.path, self.notices)
        self._journal: Journal | None = None
        self._inherited: list[Journal] = []
        self._starting = threading.Lock()

    def append(
        self,
        runs: Rows | None = None,
        trace: Rows | None = None,
        spectrum: Rows | None = None,
        machines: Rows | None = None,
    ) -> None:
        """Add one group of rows: all of it is kept, or, after an error or a kill, none.

        Each is a DataFrame, a list of dicts, or a dict of columns in which a scalar stands for a whole column. Trace
        and spectrum rows belong to runs of the same call; a key written before is superseded by this group in all
        tables. When the call returns, the group survives a kill of the process (and a power cut, save for the last
        second's groups).

        Raises SchemaError for rows that do not fit their table, StoreError when they cannot be written.
        """
        given = {"runs": runs, "trace": trace, "spectrum": spectrum, "machines": machines}
        batches = {table: to_arrow(table, rows) for table, rows in given.items() if rows is not None}
        keys: dict[Key, str | None] = {}
        if "runs" in batches:
            cells, contexts, statuses = (batches["runs"][name].to_pylist() for name in ("cell", "context", "status"))
            keys = dict(zip(zip(cells, contexts, strict=True), statuses, strict=True))
            if len(keys) != len(cells):
                raise SchemaError("runs: column 'cell' names the same cell and context twice in one group")
        for table in ("trace", "spectrum"):
            if table in batches:
                _require_known(table, batches[table], keys)
        if batches:
            self._writer().append(keys, batches)

    def forget(self, keys: Iterable[Key]) -> None:
        """Take (cell, context) keys out of the results, with all their rows, until they are appended anew."""
        marks: dict[Key, str | None] = dict.fromkeys(keys)
        if marks:
            self._writer().append(marks, {})

    def keys(self) -> dict[Key, str]:
        """The status of everything finished, by (cell, context): of all writers, as of now."""
        with shared(self.path / MARKER), opened(self.path, checked=False) as view:
            return view.keys

    def others(self) -> frozenset[tuple[str, int, int]]:
        """What other writers have done, for comparison alone: it is another one after each of their appends and compactions."""
        own = None if self._journal is None else self._journal.path.name
        found = set()
        with os.scandir(self.path) as entries:
            for entry in entries:
                theirs = entry.name.startswith("journal-") and not entry.name.endswith((".lock", "-shm"))
                if (theirs and not (own and entry.name.startswith(own))) or entry.name == "runs.parquet":
                    with suppress(FileNotFoundError):
                        status = entry.stat()
                        found.add((entry.name, status.st_size, status.st_mtime_ns))
        return frozenset(found)

    def read(self, tables: Collection[str] = tuple(TABLES)) -> Tables:
        """What `read` gives for this directory, as of now."""
        return read(self.path, tables)

    def compact(self) -> int:
        """Merge this store's journal and those of dead writers into the Parquet files; return how many were merged.

        Safe beside other writers, readers and compactions, and against a kill at any moment. The store stays open.
        """
        self.close()
        return compact(self.path)

    def close(self) -> None:
        """Force everything onto the disk. An append after it starts a new journal."""
        if self._journal is not None and self._journal.process == os.getpid():
            self._journal.close()
            self._journal = None

    def _writer(self) -> Journal:
        with self._starting:
            if self._journal is not None and self._journal.process != os.getpid():
                # Forked: the parent goes on writing. Its connection is kept, because even closing it here would be a use.
                self._inherited.append(self._journal)
                self._journal = None
            if self._journal is None:
                if not (self.path / MARKER).exists():
                    raise StoreError(f"{self.path} has been removed or replaced while it was open")
                self._journal = Journal(self.path, self._newest)
            return self._journal

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.close()


def _require_known(table: str, batch: pa.RecordBatch, keys: Collection[Key]) -> None:
    """Raise SchemaError unless every row of `batch` belongs to one of `keys`."""
    cells, contexts = (batch[name].dictionary_encode() for name in ("cell", "context"))
    # Distinct pairs by their codes: Arrow's group_by starts threads, which costs more than the rest of a small append.
    width = len(contexts.dictionary) + 1
    pairs = np.unique(cells.indices.to_numpy().astype(np.int64) * width + contexts.indices.to_numpy())
    for pair in pairs:
        cell, context = cells.dictionary[int(pair // width)].as_py(), contexts.dictionary[int(pair % width)].as_py()
        if (cell, context) not in keys:
            raise SchemaError(f"{table}: column 'cell' names {cell!r} in {context!r}, which is not among the runs of the group")
