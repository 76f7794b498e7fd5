"""Rows from their makers into Arrow batches of the schema and back into DataFrames: the only way into a table.

Makers hand over DataFrames, lists of dicts, or dicts of lists and arrays. The work is done a column at a time, so that
a cell with hundreds of checkpoints costs a few hundred microseconds.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from saddlebench.results.identity import canonical_json
from saddlebench.results.schema import Column, SchemaError, columns

Rows = pd.DataFrame | Sequence[Mapping[str, Any]] | Mapping[str, Any]
"""What makers may hand over. In a dict of columns a scalar stands for a whole column: the fast way to give the key."""

_TYPES = {
    "text": pa.string(),
    "json": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
}


@cache
def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of `table`. Raises SchemaError for an unknown table."""
    return pa.schema([pa.field(c.name, _TYPES[c.kind], nullable=c.nullable) for c in columns(table)])


def to_arrow(table: str, rows: Rows) -> pa.RecordBatch:
    """`rows` as one validated batch of `table`.

    JSON columns take text, or dicts and lists, of which non-finite numbers become null. Times without a zone are UTC.
    In `runs` the cost may be left out. Raises SchemaError, naming the column, for whatever does not fit the schema.
    """
    arrays = _from_plain_rows(table, rows)
    if arrays is None:
        arrays = _from_columns(table, _columns(table, rows))
    for column in columns(table):
        _check(table, column, arrays[column.name])
    if table == "runs":
        _check_runs(arrays)
    return pa.RecordBatch.from_arrays(list(arrays.values()), schema=arrow_schema(table))


def to_frame(table: str, data: pa.RecordBatch | pa.Table) -> pd.DataFrame:
    """`data`, which has the columns of `table`, as a DataFrame with the dtypes of the schema."""
    chosen = data.select([c.name for c in columns(table)])
    del data  # so that a column that nobody else holds is let go of once it is converted: a trace may be large
    frame = chosen.to_pandas(split_blocks=True, self_destruct=True)
    whole = {c.name: c.pandas for c in columns(table) if c.kind == "int" and c.nullable}
    # Text is left as Arrow gives it: astype("str") would turn None into the text "None" in older pandas.
    empty = {c.name: c.pandas for c in columns(table) if c.kind == "time"}
    return frame.astype({**whole, **empty})


_PLAIN = {"text": (str,), "json": (str,), "int": (int,), "float": (float, int), "bool": (bool,), "time": (datetime,)}


@cache
def _plain_schema(table: str) -> tuple[dict[str, frozenset[type]], frozenset[str], tuple[Column, ...], pa.DataType]:
    """By column the types that need no cast; the columns that must be there; the JSON columns; a row as an Arrow type."""
    declared = columns(table)
    types = {c.name: frozenset((*_PLAIN[c.kind], type(None))) for c in declared}
    needed = frozenset(c.name for c in declared if not c.nullable and c.name != "cost")
    return types, needed, tuple(c for c in declared if c.kind == "json"), pa.struct(list(arrow_schema(table)))


def _from_plain_rows(table: str, rows: Rows) -> dict[str, pa.Array] | None:
    """The columns of a list of dicts that hold nothing but the schema's own Python types, else None.

    A short cut for the usual append of one run, of which Arrow makes all columns in one call. It decides nothing: whatever is
    not plain goes the long way, which casts and says what is wrong.
    """
    if isinstance(rows, (pd.DataFrame, Mapping)) or not rows or not all(isinstance(row, dict) for row in rows):
        return None
    types, needed, json_columns, row_type = _plain_schema(table)
    plain: list[dict[str, Any]] = []
    for given in rows:
        row = dict(given)
        for column in json_columns:
            if column.name in row:
                row[column.name] = _json(table, column, row[column.name])
        if not needed <= row.keys() or any(type(value) not in types.get(name, ()) for name, value in row.items()):
            return None
        if table == "runs" and "cost" not in row:
            if row["gradients"] is None or row["products"] is None:
                return None
            row["cost"] = row["gradients"] + 2 * row["products"]
        plain.append(row)
    try:
        whole = pa.array(plain, type=row_type, from_pandas=True)
    except (pa.ArrowException, OverflowError):
        return None
    return dict(zip(types, whole.flatten(), strict=True))


def _from_columns(table: str, given: Mapping[str, Any]) -> dict[str, pa.Array]:
    declared = columns(table)
    unknown = given.keys() - {c.name for c in declared}
    if unknown:
        raise SchemaError(f"{table}: unknown column {min(unknown)!r}")
    length = _length(table, given)
    arrays: dict[str, pa.Array] = {}
    for column in declared:
        if column.name in given:
            arrays[column.name] = _array(table, column, given[column.name], length)
        elif column.nullable:
            arrays[column.name] = pa.nulls(length, _TYPES[column.kind])
        elif column.name == "cost":
            arrays["cost"] = _cost(arrays)  # declared after gradients and products
        else:
            raise SchemaError(f"{table}: column {column.name!r} is missing")
    return arrays


def _columns(table: str, rows: Rows) -> dict[str, Any]:
    if isinstance(rows, pd.DataFrame):
        return {str(name): rows[name] for name in rows.columns}
    if isinstance(rows, Mapping):
        return dict(rows)
    if not all(isinstance(row, Mapping) for row in rows):
        raise SchemaError(f"{table}: rows must be a DataFrame, a list of dicts or a dict of columns")
    names = dict.fromkeys(name for row in rows for name in row)
    if not rows:
        names = dict.fromkeys(c.name for c in columns(table))
    return {name: [row.get(name) for row in rows] for name in names}


def _is_scalar(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return False
    return isinstance(value, (str, dict)) or getattr(value, "ndim", 1) == 0 or not hasattr(value, "__len__")


def _length(table: str, given: Mapping[str, Any]) -> int:
    """The common length of the columns that are no scalars (1 when all are)."""
    length, first = 1, ""
    for name, value in given.items():
        if _is_scalar(value):
            continue
        if first and len(value) != length:
            raise SchemaError(f"{table}: column {name!r} has {len(value)} rows, {first!r} has {length}")
        length, first = len(value), first or name
    return length


def _array(table: str, column: Column, values: Any, length: int) -> pa.Array:
    if scalar := _is_scalar(values):
        values = [values]
    if column.kind == "json":
        values = [_json(table, column, value) for value in values]
    try:
        # Arrow's inference first: with a type given it cuts 1.5 to 1 and reads True as 1.0 without a word.
        array = pa.array(values, from_pandas=True)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        given, target = array.type, _TYPES[column.kind]
        fits = _fits(column, given)
        if fits and given != target:
            array = array.cast(target, safe=column.kind != "time")  # nanoseconds may go
    except (pa.ArrowException, OverflowError, TypeError) as error:
        first_line = str(error).splitlines()[0]
        raise SchemaError(f"{table}: column {column.name!r} must be {column.pandas}: {first_line}") from None
    if not fits:
        raise SchemaError(f"{table}: column {column.name!r} must be {column.pandas}, got {given}")
    return pa.repeat(array[0], length) if scalar and length != 1 else array


def _check(table: str, column: Column, array: pa.Array) -> None:
    if array.null_count and not column.nullable:
        raise SchemaError(f"{table}: column {column.name!r} has {array.null_count} missing values")
    if column.choices or column.pattern:
        for text in pc.unique(array).to_pylist():  # pyright: ignore[reportAttributeAccessIssue]
            if text is not None and not column.allows(text):
                allowed = ", ".join(column.choices) or column.pattern
                raise SchemaError(f"{table}: column {column.name!r} holds {text!r}, allowed are {allowed}")


def _fits(column: Column, given: pa.DataType) -> bool:
    """Whether Arrow's type for the values may be cast to the column's (the cast checks overflow and fractions)."""
    kinds = pa.types
    if kinds.is_null(given):
        return True
    match column.kind:
        case "text" | "json":
            return kinds.is_string(given) or kinds.is_large_string(given)
        case "int" | "float":
            return kinds.is_integer(given) or kinds.is_floating(given)
        case "bool":
            return kinds.is_boolean(given)
        case "time":
            return kinds.is_timestamp(given)


def _json(table: str, column: Column, value: Any) -> str | None:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    try:
        if isinstance(value, str):
            json.loads(value, parse_constant=_refuse)
            return value
        return canonical_json(_finite(value))
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{table}: column {column.name!r} holds no JSON: {error}") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(value: Any) -> Any:
    """`value` with non-finite numbers, which measures of a diverged run have and JSON has not, as None."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_finite(item) for item in value]
    if isinstance(value, (float, np.floating)) and not math.isfinite(value):
        return None
    return value


def _cost(arrays: Mapping[str, pa.Array]) -> pa.Array:
    gradients, products = (arrays[name].to_numpy(zero_copy_only=False) for name in ("gradients", "products"))
    return pa.array(gradients + 2 * products)


def _check_runs(arrays: Mapping[str, pa.Array]) -> None:
    """Raise SchemaError where the columns of `runs` contradict one another."""
    cost, sums = arrays["cost"].to_numpy(), _cost(arrays).to_numpy()
    if (np.abs(cost - sums) > 1e-9 * np.abs(sums)).any():
        raise SchemaError("runs: column 'cost' is not gradients + 2 products")
    seconds = arrays["seconds"]
    if seconds.null_count < len(seconds):
        together = arrays["runs_in_program"].to_numpy() != 1
        if (together & seconds.is_valid().to_numpy(zero_copy_only=False)).any():
            raise SchemaError("runs: column 'seconds' is given for a run that did not run alone (runs_in_program > 1)")
