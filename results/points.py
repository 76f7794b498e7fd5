"""Checkpoints of chosen runs as plain columns, ordered by run and step: what curves and costs to targets are made of.

A trace has millions of rows and two keys of text: they are matched once, by Arrow's hash tables, and the rest is arithmetic on
whole columns.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_NUMBERS = ("gradients", "products", "seconds", "value")


def points(runs: pd.DataFrame, trace: pd.DataFrame, measure: str, answer: str = "last") -> pd.DataFrame:
    """The checkpoints of ``runs`` for one measure and answer.

    Args:
        runs: rows of the table `runs`, each (cell, context) once.
        trace: the table `trace`.
        measure: of the trace.
        answer: ``"last"`` or ``"average"``.

    Returns:
        ``run`` (the position in ``runs``), ``step``, ``gradients``, ``products``, ``cost`` = gradients + 2 products, ``seconds``
        and ``value``, ordered by run and step.
    """
    kept: Any = trace[((trace["measure"] == measure) & (trace["answer"] == answer)).to_numpy()]
    position = positions(runs, kept)
    there = position >= 0
    table = pd.DataFrame({"run": position[there], "step": kept["step"].to_numpy()[there]})
    for name in _NUMBERS:
        table[name] = kept[name].to_numpy(dtype=float, na_value=np.nan)[there]
    table["cost"] = table["gradients"] + 2 * table["products"]
    order = np.lexsort((table["step"], table["run"]))
    sorted_already = bool((np.diff(order) == 1).all())
    return table if sorted_already else table.iloc[order].reset_index(drop=True)


def firsts(points: pd.DataFrame) -> np.ndarray:
    """The first row of each run, of points in their order."""
    return np.flatnonzero(np.diff(points["run"].to_numpy(), prepend=-1))


def best_so_far(points: pd.DataFrame, sign: float = 1.0) -> np.ndarray:
    """The least value of ``sign · value`` that each run has had by each of its points; infinite before its first number."""
    values = sign * points["value"]
    return values.fillna(np.inf).groupby(points["run"], sort=False).cummin().to_numpy()


def positions(runs: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Of each row the position in ``runs`` of its run, −1 where it is none of them."""
    several = bool(runs["cell"].duplicated().any())
    known, asked = (_keys(table, several) for table in (runs, rows))
    found = pc.fill_null(pc.index_in(asked, value_set=known), -1)  # pyright: ignore[reportAttributeAccessIssue]
    position = np.array(found, dtype=np.int64)
    if not several:  # of a cell that was run in several contexts only the rows of this one
        codes = pd.factorize(pd.concat([runs["context"], rows["context"]], ignore_index=True))[0]
        mine, theirs = codes[: len(runs)], codes[len(runs) :]
        there = position >= 0
        position[there] = np.where(mine[position[there]] == theirs[there], position[there], -1)
    return position


def _keys(table: pd.DataFrame, both: bool) -> pa.Array | pa.ChunkedArray:
    """The cells as text, with their contexts where one cell has several."""
    cells = pa.array(table["cell"], from_pandas=True).cast(pa.large_string())
    if not both:
        return cells
    contexts = pa.array(table["context"], from_pandas=True).cast(pa.large_string())
    return pc.binary_join_element_wise(cells, contexts, pa.scalar("\n", pa.large_string()))  # pyright: ignore[reportAttributeAccessIssue]
