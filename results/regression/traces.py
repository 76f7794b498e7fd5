"""Which cells moved: traces of the same cells in two sets of results, value by value.

A value a has moved to b where |b − a| > τ max(|a|, s), s the largest value of its curve up to then, or where only one of them is
a number. τ = 1e-8 in float64 and 1e-4 in float32: rounding of one operation is 1.1e-16 and 6e-8 relative, another processor
or BLAS sums in another order, and the few thousand operations of a run let that grow a thousand- to a millionfold, while a
change of method changes the leading digits. The golden suite measures the margin (`golden.py`).
"""

from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.store import Tables

TOLERANCE = {"float64": 1e-8, "float32": 1e-4}
_POINT = ["cell", "answer", "measure", "step"]


def differs(before: np.ndarray, after: np.ndarray, scale: np.ndarray, tolerance: Any) -> np.ndarray:
    """Where two arrays of values differ by more than ``tolerance`` times max(|before|, ``scale``), or in being numbers at all.

    Equal infinities, and NaN in both, are no difference.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(after - before) <= tolerance * np.fmax(np.abs(before), scale)
    finite = np.isfinite(before) & np.isfinite(after)
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    return ~np.where(finite, near, same)


def moved(baseline: Tables, new: Tables) -> pd.DataFrame:
    """The cells of both whose records differ, by cell.

    Args:
        baseline: each cell once (`comparison.one_of_each`).
        new: likewise.

    Returns:
        Index ``cell``; ``step`` the first at which something differs (values, what was asked for them, or where the run ended),
        ``measure`` what differs there, ``nan``: is a value no number that was one?
    """
    dtype: Any = new.runs.set_index("cell")["dtype"]
    both: Any = set(baseline.runs["cell"]) & set(new.runs["cell"])
    wanted = [*_POINT, "gradients", "products", "value"]
    old: Any = baseline.trace.loc[baseline.trace["cell"].isin(both), wanted].sort_values(_POINT)
    now: Any = new.trace.loc[new.trace["cell"].isin(both), wanted].sort_values(_POINT)
    # The largest value so far: a curve that has shrunk a billionfold carries the rounding of where it came from.
    size = old["value"].abs().where(np.isfinite(old["value"]))
    old = old.assign(scale=size.groupby([old["cell"], old["answer"], old["measure"]], sort=False).cummax())
    table: Any = old.merge(now, on=_POINT, how="outer", suffixes=("", "_new"), indicator=True)
    before, after = (table[name].to_numpy(dtype=float) for name in ("value", "value_new"))
    tolerance = table["cell"].map(dtype).map(TOLERANCE).to_numpy(dtype=float)
    changed = differs(before, after, table["scale"].fillna(0.0).to_numpy(dtype=float), tolerance)
    for name in ("gradients", "products"):
        changed |= table[name].to_numpy(dtype=float) != table[f"{name}_new"].to_numpy(dtype=float)
    changed |= (table["_merge"] != "both").to_numpy()
    table = table.assign(nan=np.isfinite(before) & ~np.isfinite(after) & (table["_merge"] == "both").to_numpy())
    rows: Any = table[changed].sort_values(["step", "answer", "measure"], ascending=[True, False, True], kind="stable")
    first = rows.drop_duplicates("cell").set_index("cell")[["step", "measure"]]
    return first.assign(nan=rows.groupby("cell")["nan"].any())
