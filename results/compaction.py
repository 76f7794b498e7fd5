"""Journals of writers that are done, merged into Parquet files so that a kill at any moment loses and doubles no
row."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from saddlebench.results.casting import arrow_schema
from saddlebench.results.failures import explained
from saddlebench.results.folder import JOURNALS, MARKER, opened, sweep
from saddlebench.results.journal import lock_path, remove
from saddlebench.results.locking import Lock, exclusive
from saddlebench.results.schema import SCHEMA_VERSION
from saddlebench.results.view import STAMP, Footer, View, stacked

ORDER = ("machines", "spectrum", "trace", "runs")
"""In which files are renamed: runs last, so that a run never shows before its rows."""

ROWS_PER_GROUP = 500_000


def compact(folder: Path) -> int:
    """Merge all journals of dead writers in `folder` into its Parquet files; return how many journals were merged.

    Waits for readers and other compactions. New files are written beside the old ones, synced, renamed, and the
    directory synced, before the journals go; until then readers prefer the journals. Raises StoreError, with every
    journal kept, when the disk is full.
    """
    with ExitStack() as stack:
        stack.enter_context(explained(folder, "every result is kept in its journal"))
        stack.enter_context(exclusive(folder / MARKER))
        sweep(folder)
        locks: dict[Path, Lock] = {}
        for path in sorted(folder.glob(JOURNALS)):
            if lock := Lock.take(lock_path(path)):
                locks[path] = lock
                stack.callback(lock.release, remove=True)
        if not locks:
            return 0
        notices: list[str] = []
        with opened(folder, list(locks), notices) as view:
            if notices:
                # A torn file must first be set aside by opening the store for writing: merging would drop it.
                raise OSError(f"damaged files: {notices[0]}")
            _replace(folder, view)
        for path in locks:
            remove(path)
        return len(locks)


def _replace(folder: Path, view: View) -> None:
    """Write all tables of `view` beside the old ones, then rename them."""
    written: list[tuple[Path, Path]] = []
    generation = secrets.token_hex(8)
    try:
        for table in ORDER:
            forgotten = view.forgotten if table == "runs" else ()
            footer = Footer(SCHEMA_VERSION, generation, view.newest, forgotten)
            target = folder / f"{table}.parquet"
            written.append((folder / f"{table}.parquet.tmp", target))
            _write(written[-1][0], table, view, footer)
        for temporary, target in written:
            os.replace(temporary, target)
        _sync(folder)
    finally:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)


def _write(path: Path, table: str, view: View, footer: Footer) -> None:
    schema = arrow_schema(table)
    if table == "runs":
        schema = schema.append(pa.field(STAMP, pa.int64(), nullable=False))
    schema = schema.with_metadata(footer.encode())
    batches = view.batches(table, stamped=table == "runs")
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        tables = iter([stacked(table, batches)]) if table == "machines" else _in_large_pieces(batches)
        for piece in tables:
            writer.write_table(piece.cast(schema))
    _sync(path)


def _in_large_pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of about ROWS_PER_GROUP rows: one append is too small for a row group, all may be too much for memory."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        pending.append(batch)
        rows += len(batch)
        if rows >= ROWS_PER_GROUP:
            yield pa.Table.from_batches(pending)
            pending, rows = [], 0
    if pending:
        yield pa.Table.from_batches(pending)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
