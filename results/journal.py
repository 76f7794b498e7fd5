"""A writer's journal: an SQLite database that one process appends whole groups of rows to.

An append is one transaction, committed before the call returns, so a killed process loses nothing that it appended.
On a disk of one host SQLite runs in WAL mode with synchronous=NORMAL: a commit is handed to the operating system (about
0.1 ms) and not forced onto the disk (milliseconds); an append that comes more than a second after the last forced one is
forced down with all before it, which bounds what a power cut takes. synchronous=FULL would protect that second too, at many times
the price of a small cell.

Rows travel as Arrow record batches, compressed, with a checksum each, because SQLite's pages have none.
"""

import json
import os
import secrets
import socket
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from saddlebench.results.casting import arrow_schema
from saddlebench.results.failures import explained
from saddlebench.results.locking import Lock, on_network
from saddlebench.results.schema import SCHEMA_VERSION, TABLES

Key = tuple[str, str]
"""(cell, context): what a result is filed under."""

APPLICATION_ID = 0x5ADD1EBE
"""Marks our journals among SQLite files (`PRAGMA application_id`)."""

CODEC = "lz4_raw"
SYNC_SECONDS = 1.0
_PATIENCE = 600.0  # seconds that a writer on a network's file system waits for readers
ROWS_PER_BLOB = 200_000  # far below the 1 GB that SQLite takes in a field

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite adds to the names of the files that it keeps beside a database."""

_LAYOUT = (
    # The schemas that the batches were written with, so that a column added later does not make them unreadable.
    "CREATE TABLE schemas (name TEXT PRIMARY KEY, data BLOB NOT NULL)",
    # An append is a row here and one or two in `blobs`; an index, or keys in a table of their own, would double its cost.
    # keys: a JSON list of [cell, context, status]; without a status the key is forgotten, and older rows of it do not count.
    "CREATE TABLE groups (id INTEGER PRIMARY KEY, stamp INTEGER NOT NULL, keys TEXT NOT NULL, checksum INTEGER NOT NULL)",
    "CREATE TABLE blobs (id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL, data BLOB NOT NULL)",
)


def lock_path(journal: Path) -> Path:
    """The lock file beside a journal, held by its writer for as long as it lives."""
    return journal.with_suffix(".lock")


def remove(journal: Path) -> None:
    """Delete a journal, whose lock the caller holds, with SQLite's files beside it.

    The database goes first: without its log it would be a journal that lacks its newest groups.
    """
    for suffix in ("", *BESIDE):
        Path(f"{journal}{suffix}").unlink(missing_ok=True)


class Journal:
    """The journal of this process in `folder`, created with the lock that shows its writer to be alive.

    `after` is the newest stamp in the store: groups get increasing stamps, nanoseconds since 1970 and larger than
    `after`, by which newer groups supersede older ones of the same key, also where the clock was set back. Raises
    StoreError.
    """

    def __init__(self, folder: Path, after: int = 0):
        self.process = os.getpid()
        self._groups = 0
        self._stamp = after
        self._thread_lock = threading.Lock()
        with explained(folder, "nothing was written"):
            lock = None
            while lock is None:  # another process holds it for a moment while it looks for lock files of the dead
                self.path = folder / f"journal-{_host()}-{os.getpid()}-{secrets.token_hex(4)}.sqlite"
                lock = Lock.take(lock_path(self.path))
            self._lock = lock
            self._database = self._create()
        self._synced = time.monotonic()

    def _create(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        # Readers of a log in WAL mode share memory with its writer, which other hosts cannot: there readers and writer take turns.
        database.execute(f"PRAGMA journal_mode={'TRUNCATE' if on_network(self.path.parent) else 'WAL'}")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("PRAGMA wal_autocheckpoint=0")  # `_sync` does it; every 4 MB, as SQLite would, doubles the cost
        database.execute("BEGIN IMMEDIATE")
        database.execute(f"PRAGMA application_id={APPLICATION_ID}")
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        for statement in _LAYOUT:
            database.execute(statement)
        schemas = [(table, arrow_schema(table).serialize().to_pybytes()) for table in TABLES]
        database.executemany("INSERT INTO schemas VALUES (?, ?)", schemas)
        database.execute("COMMIT")
        return database

    def append(self, keys: Mapping[Key, str | None], tables: Mapping[str, pa.RecordBatch]) -> None:
        """Commit one group: its keys with their statuses (None: forget the key) and its rows by table.

        Returns when the group survives a kill of this process. Raises StoreError, with nothing of the group kept.
        """
        blobs = [(name, *blob) for name, batch in tables.items() for blob in _encode(batch)]
        listing = json.dumps([(*key, status) for key, status in keys.items()])
        with self._thread_lock, explained(self.path.parent, self._kept()):
            self._stamp = max(time.time_ns(), self._stamp + 1)
            run = self._database.execute
            run("BEGIN IMMEDIATE")
            try:
                row = (self._stamp, listing, checksum_of(self._stamp, listing))
                group = run("INSERT INTO groups VALUES (NULL, ?, ?, ?)", row).lastrowid
                self._database.executemany("INSERT INTO blobs VALUES (NULL, ?, ?, ?, ?, ?)", [(group, *blob) for blob in blobs])
                run("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself when the disk is full.
                if self._database.in_transaction:
                    run("ROLLBACK")
                raise
            self._groups += 1
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self._sync()

    def _sync(self) -> None:
        """Force what was committed onto the disk (a checkpoint syncs the log, copies it to the database, syncs
        that)."""
        # After an error the groups are still committed in the log; on a full disk the next append tells the user.
        with suppress(sqlite3.Error):
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self._synced = time.monotonic()

    def _kept(self) -> str:
        return f"the {self._groups} groups of results written before are kept" if self._groups else "nothing was written"

    def close(self) -> None:
        """Force everything onto the disk and let go of the journal. A full disk is no error: all is in the log."""
        with self._thread_lock:
            self._sync()
            # A closed journal is one plain file, which can also be read where SQLite may create nothing beside it. When
            # somebody is reading it, or the disk is full, it stays in WAL mode, which readers know as well.
            with suppress(sqlite3.Error):
                self._database.execute("PRAGMA busy_timeout=0")
                self._database.execute("PRAGMA journal_mode=DELETE").fetchall()
            self._database.close()
            self._lock.release(remove=True)


def checksum_of(stamp: int, listing: str) -> int:
    """The CRC-32 of a group's row: its stamp and its keys as text."""
    return zlib.crc32(f"{stamp} {listing}".encode())


def _encode(batch: pa.RecordBatch) -> Iterator[tuple[int, int, bytes]]:
    """`batch` as blobs (uncompressed size, CRC-32 of the data, data), without the schema (the journal has it)."""
    for start in range(0, batch.num_rows, ROWS_PER_BLOB):
        buffer = batch.slice(start, ROWS_PER_BLOB).serialize()
        data = pa.compress(buffer, codec=CODEC, asbytes=True)
        yield buffer.size, zlib.crc32(data), data


def decode(schema: pa.Schema, size: int, data: bytes) -> pa.RecordBatch:
    """The batch that `_encode` made the blob `data` of, `size` bytes uncompressed."""
    return pa.ipc.read_record_batch(pa.decompress(data, decompressed_size=size, codec=CODEC), schema)


def _host() -> str:
    """The host name with only those characters that are safe in a file name."""
    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())[:40] or "host"
