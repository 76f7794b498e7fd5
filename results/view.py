"""Journals and Parquet files as one table: which rows stand, and where they are read from.

A key (cell, context) may be written many times. Every append has a stamp, and of a key only the rows of the newest
stamp stand; a newer *forgotten* mark leaves none. An append that is both in a journal and in the Parquet files, because
a compaction was killed on its way, is read from the journal, which is complete as long as it exists. So no state of the
directory shows a key twice.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from saddlebench.results.casting import arrow_schema
from saddlebench.results.failures import DamagedError, StoreError
from saddlebench.results.journal import Key
from saddlebench.results.reading import Group, JournalReader, conform, require_version
from saddlebench.results.schema import columns

METADATA = b"saddlebench"
STAMP = "stamp"
"""The column that runs.parquet has besides the schema's: the stamp of the append, by which newer rows win."""

Only = Mapping[str, pa.Array]
"""Text column → the values of which a row must hold one."""


@dataclass(frozen=True)
class Footer:
    """What a Parquet file of ours says about itself.

    Files of one compaction share the `generation`; `newest` is the largest stamp it had seen; `forgotten` are the marks
    that still count, for journals that were being written meanwhile.
    """

    schema_version: int
    generation: str
    newest: int
    forgotten: tuple[tuple[str, str, int], ...] = ()

    def encode(self) -> dict[bytes, bytes]:
        """The footer as metadata of an Arrow schema."""
        return {METADATA: json.dumps(vars(self)).encode()}

    @classmethod
    def decode(cls, metadata: dict[bytes, bytes]) -> "Footer":
        """Undo `encode`. Raises DamagedError for files that are not ours."""
        try:
            fields: dict[str, Any] = json.loads(metadata[METADATA])
            return cls(**{**fields, "forgotten": tuple(tuple(mark) for mark in fields["forgotten"])})
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError("it is no table of saddlebench") from error


class ParquetTable:
    """A Parquet file of ours, opened. Raises DamagedError for a torn or foreign one, StoreError for another version."""

    def __init__(self, path: Path, table: str):
        self.path, self.table = path, table
        try:
            # Texts repeat: as dictionaries they need a fifth of the memory and can be chosen from before they are text.
            there = pq.read_schema(path).names
            texts = [c.name for c in columns(table) if c.kind == "text" and c.name in there]
            self._file = pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=texts)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise DamagedError(f"it is torn or no Parquet file ({str(error).splitlines()[0]})") from error
        self.footer = Footer.decode(self._file.schema_arrow.metadata or {})
        require_version(path, self.footer.schema_version)

    def batches(self, names: list[str] | None = None, only: Only | None = None) -> Iterator[pa.RecordBatch]:
        """The rows as in the file, of the columns `names` (default: all), of them `only` these.

        Raises StoreError for damaged pages.
        """
        try:
            for batch in self._file.iter_batches(batch_size=200_000, columns=names):
                yield _without_dictionaries(_chosen(batch, only))
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise StoreError(f"{self.path} is damaged ({reason}): move it away and run again what is missing") from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class View:
    """The rows that stand in these journals and Parquet tables, by table.

    `keys` has the status of every finished key; `newest` is the largest stamp seen, `forgotten` the marks that stand.
    """

    def __init__(self, journals: list[JournalReader], parquet: dict[str, ParquetTable]):
        self._parquet = parquet
        self._groups = sorted(
            ((group.stamp, reader.path.name, group, reader) for reader in journals for group in reader.groups),
            key=lambda entry: entry[:2],
        )
        footer = parquet["runs"].footer if "runs" in parquet else None
        self.newest = max([stamp for stamp, *_ in self._groups] + [footer.newest if footer else 0])
        # The last mark of each key outside the Parquet rows: its stamp and its group there (None: forgotten).
        last: dict[Key, tuple[int, Group | None, str | None]] = {}
        for cell, context, stamp in footer.forgotten if footer else ():
            last[cell, context] = (stamp, None, None)
        for stamp, _, group, _ in self._groups:
            for key, status in group.keys.items():
                if key not in last or stamp >= last[key][0]:
                    last[key] = (stamp, None if status is None else group, status)
        self.keys: dict[Key, str] = {}
        self._beaten = False
        if "runs" in parquet:
            for batch in parquet["runs"].batches(["cell", "context", "status", STAMP]):
                for cell, context, status, stamp in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    if (cell, context) in last and last[cell, context][0] >= stamp:
                        self._beaten = True
                    else:
                        self.keys[cell, context] = status
                        last.pop((cell, context), None)
        self._in_parquet = pa.array(["\n".join(key) for key in self.keys], pa.string())
        self.forgotten = tuple((*key, stamp) for key, (stamp, group, _) in last.items() if group is None)
        self._standing = {key: group for key, (_, group, _) in last.items() if group is not None}
        self.keys.update({key: status for key, (_, group, status) in last.items() if group and status is not None})

    def batches(self, table: str, stamped: bool = False, only: Only | None = None) -> Iterator[pa.RecordBatch]:
        """The standing rows of `table`, compacted ones first; with `stamped` runs have their stamps in a last column.

        Of them `only` the rows that hold one of the values given for a column.

        Of `machines` every row comes, older ones of a machine before newer ones.
        """
        if table in self._parquet:
            yield from self._from_parquet(self._parquet[table], stamped, only)
        for stamp, _, group, reader in self._groups:
            standing = [key for key in group.keys if self._standing.get(key) is group]
            if not standing and table != "machines":
                continue
            whole = table == "machines" or len(standing) == len(group.keys)
            names = None if whole else pa.array(["\n".join(key) for key in standing], pa.string())
            for batch in reader.batches(group, table):
                kept = _chosen(batch if names is None else _only(batch, names), only)
                yield _stamped(kept, pa.repeat(stamp, len(kept))) if stamped else kept

    def _from_parquet(self, parquet: ParquetTable, stamped: bool, only: Only | None) -> Iterator[pa.RecordBatch]:
        table = parquet.table
        runs = self._parquet.get("runs")
        # Files of two compactions lie side by side when one was killed between its renames: then keys decide, as when
        # rows have been superseded since.
        aligned = runs is not None and runs.footer.generation == parquet.footer.generation
        whole = table == "machines" or (aligned and not self._beaten)
        for batch in parquet.batches(only=only):
            kept = batch if whole else _only(batch, self._in_parquet)
            stamps = kept[STAMP] if table == "runs" else None
            kept = conform(parquet.path, table, kept.select([n for n in kept.schema.names if n != STAMP]))
            yield _stamped(kept, stamps) if stamped and stamps is not None else kept


def _stamped(batch: pa.RecordBatch, stamps: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([*batch.columns, stamps], names=[*batch.schema.names, STAMP])


def _chosen(batch: pa.RecordBatch, only: Only | None) -> pa.RecordBatch:
    """The rows of `batch` that hold one of the values given for each column of `only`."""
    for name, values in (only or {}).items():
        column = batch[name]
        texts = column.dictionary if pa.types.is_dictionary(column.type) else column
        kept = pc.is_in(texts, value_set=values)  # pyright: ignore[reportAttributeAccessIssue]
        batch = batch.filter(kept.take(column.indices) if texts is not column else kept)
    return batch


def _without_dictionaries(batch: pa.RecordBatch) -> pa.RecordBatch:
    arrays = [a.dictionary_decode() if pa.types.is_dictionary(a.type) else a for a in batch.columns]
    fields = [field.with_type(array.type) for field, array in zip(batch.schema, arrays, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _only(batch: pa.RecordBatch, names: pa.Array) -> pa.RecordBatch:
    """The rows of `batch` whose "cell, newline, context" is among `names`."""
    joined = pc.binary_join_element_wise(batch["cell"], batch["context"], "\n")  # pyright: ignore[reportAttributeAccessIssue]
    return batch.filter(pc.is_in(joined, value_set=names))  # pyright: ignore[reportAttributeAccessIssue]


def stacked(table: str, batches: Iterator[pa.RecordBatch]) -> pa.Table:
    """`batches` as one Arrow table of the schema of `table`; of `machines` only the newest row of each."""
    whole = pa.Table.from_batches(batches, schema=arrow_schema(table))
    if table != "machines":
        return whole
    newest = {name: row for row, name in enumerate(whole["machine"].to_pylist())}
    return whole.take(pa.array(sorted(newest.values()), pa.int64()))
