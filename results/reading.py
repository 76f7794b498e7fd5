"""A journal as its readers see it: groups of keys, and their rows."""

import json
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from saddlebench.results.casting import arrow_schema
from saddlebench.results.failures import DamagedError, StoreError
from saddlebench.results.journal import APPLICATION_ID, Key, checksum_of, decode
from saddlebench.results.schema import SCHEMA_VERSION, columns


def require_version(path: Path, version: int) -> None:
    """Raise StoreError, with what to do, unless the file was written with this schema version."""
    if version == SCHEMA_VERSION:
        return
    if version > SCHEMA_VERSION:
        what = "upgrade saddlebench to read it"
    else:
        folder = path if path.is_dir() else path.parent
        what = f"read it with the saddlebench that wrote it, or run anew: mv {folder} {folder}-schema-{version}"
    raise StoreError(f"{path} has schema version {version}, this saddlebench has {SCHEMA_VERSION}: {what}")


def conform(path: Path, table: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch`, read from `path`, with the columns that `table` has today; of those added since, nullable ones are null.

    Raises StoreError for columns that this version does not know.
    """
    schema = arrow_schema(table)
    if batch.schema == schema:
        return batch
    unknown = set(batch.schema.names) - set(schema.names)
    before = {c.name: c.before for c in columns(table) if c.before}
    missing = [f.name for f in schema if not f.nullable and f.name not in batch.schema.names and f.name not in before]
    if unknown or missing:
        column = min(unknown or missing)
        raise StoreError(f"{path}: this saddlebench and the one that wrote it differ in column {column!r} of {table}")

    def array(field: pa.Field) -> pa.Array:
        if field.name in batch.schema.names:
            return batch.column(field.name).cast(field.type)
        if field.name in before:
            return pa.repeat(pa.scalar(before[field.name], field.type), len(batch))
        return pa.nulls(len(batch), field.type)

    return pa.RecordBatch.from_arrays([array(field) for field in schema], schema=schema)


@dataclass(frozen=True)
class Group:
    """One append: its place in the journal, its stamp, and its keys with their statuses (None: forgotten)."""

    number: int
    stamp: int
    keys: dict[Key, str | None]


class JournalReader:
    """Reads one journal, of a living or a dead writer, as of the moment it is opened.

    Raises DamagedError for a torn or foreign file, StoreError for another schema version, FileNotFoundError when it is
    gone.
    """

    def __init__(self, path: Path):
        self.path = path
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._database = self._open()
        self._schemas: dict[str, pa.Schema] = {}
        self._blobs: dict[tuple[int, str], list[int]] = {}
        self.groups: list[Group] = []
        try:
            self._database.execute("BEGIN")  # one snapshot for everything that is read below and later
            self._identify()
        except (sqlite3.DatabaseError, pa.ArrowException) as error:
            self.close()
            raise DamagedError(f"it is torn or no journal ({error})") from error
        except BaseException:
            self.close()
            raise

    def _open(self) -> sqlite3.Connection:
        path = self.path
        path.stat()  # FileNotFoundError
        try:
            return _connect(path, "mode=ro")
        except sqlite3.OperationalError as error:
            if "unable to open" not in str(error) and "readonly" not in str(error):
                raise DamagedError(f"it cannot be read ({error})") from error
        # Either a read-only directory, in which SQLite cannot create its shared memory, or a journal whose writer was killed
        # while closing it. Without a log the file is the whole journal; with one SQLite recovers a copy.
        logs = [log for log in (Path(f"{path}-wal"), Path(f"{path}-journal")) if log.exists() and log.stat().st_size]
        if not logs:
            return _connect(path, "mode=ro&immutable=1")
        self._copy = tempfile.TemporaryDirectory(prefix="saddlebench-")
        for file in (path, *logs):
            shutil.copy(file, self._copy.name)
        return _connect(Path(self._copy.name) / path.name, "mode=rw")

    def _identify(self) -> None:
        run = self._database.execute
        (marker,), (version,) = run("PRAGMA application_id").fetchone(), run("PRAGMA user_version").fetchone()
        if not run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return  # its writer was killed before the first commit, or has not got there yet
        if marker != APPLICATION_ID:
            raise DamagedError("it is no journal of saddlebench")
        require_version(self.path, version)
        for name, data in run("SELECT name, data FROM schemas"):
            self._schemas[name] = pa.ipc.read_schema(pa.py_buffer(data))
        for number, stamp, listing, checksum in run("SELECT id, stamp, keys, checksum FROM groups ORDER BY id"):
            if checksum_of(stamp, listing) != checksum:
                raise DamagedError("keys fail their checksum")
            keys = {(cell, context): status for cell, context, status in json.loads(listing)}
            self.groups.append(Group(number, stamp, keys))
        for blob, number, name in run("SELECT id, group_id, name FROM blobs ORDER BY id"):
            self._blobs.setdefault((number, name), []).append(blob)

    def check(self) -> None:
        """Read every row's bytes against their checksums. Raises DamagedError."""
        try:
            for checksum, data in self._database.execute("SELECT checksum, data FROM blobs") if self.groups else ():
                if zlib.crc32(data) != checksum:
                    raise DamagedError("rows fail their checksum")
        except sqlite3.DatabaseError as error:
            raise DamagedError(f"it is torn ({error})") from error

    def batches(self, group: Group, table: str) -> Iterator[pa.RecordBatch]:
        """The rows that `group` has for `table`."""
        for blob in self._blobs.get((group.number, table), ()):
            size, data = self._database.execute("SELECT size, data FROM blobs WHERE id=?", (blob,)).fetchone()
            yield conform(self.path, table, decode(self._schemas[table], size, data))

    def close(self) -> None:
        """Let go of the journal."""
        self._database.close()
        if self._copy is not None:
            self._copy.cleanup()


def _connect(path: Path, options: str) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.as_uri()}?{options}", uri=True, isolation_level=None)
    try:
        database.execute("PRAGMA schema_version").fetchone()  # opening is lazy: this is where a file is first read
    except sqlite3.OperationalError:
        database.close()
        raise
    except sqlite3.DatabaseError:
        pass  # torn or foreign, which `_identify` tells better
    return database
