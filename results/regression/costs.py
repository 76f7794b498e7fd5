"""One paired number a cell for its cost: log(new cost / baseline cost) over the targets of its game.

For each level that either run reached, the ratio of the costs at which they first did (`saddlebench.results.targets`); a level
that only the baseline reached counts +∞, one that only the new run reached −∞. The cell's number is the mean of the middle half
of them: the spacing of the checkpoints averages out, and a quarter of the levels may be lost or gained before it is infinite.
"""

from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.store import Tables
from saddlebench.results.summary import Defaults
from saddlebench.results.targets import time_to_targets

_CUT = 0.25


def log_cost_ratios(baseline: Tables, new: Tables, defaults: Defaults) -> pd.Series:
    """log(new / baseline) by cell, of cells in both of which one reached a target.

    Args:
        baseline: runs and trace, each cell once.
        new: likewise.
        defaults: of the catalogues, as `saddlebench.results.targets.time_to_targets` takes them.
    """
    old, now = (costs_of(tables, defaults) for tables in (baseline, new))
    table: Any = old.merge(now, on=["cell", "measure", "level"], suffixes=("", "_new"))
    if table.empty:
        return pd.Series(dtype=float)
    wide = table.pivot(index="cell", columns=["measure", "level"], values=["cost", "cost_new"])
    ratios = middle(log_ratios(wide["cost"].to_numpy(dtype=float), wide["cost_new"].to_numpy(dtype=float)))
    return pd.Series(ratios, index=wide.index).dropna()


def costs_of(tables: Tables, defaults: Defaults) -> pd.DataFrame:
    """``cell``, ``measure``, ``level``, ``cost`` (infinite where it was not reached)."""
    table: Any = time_to_targets(tables.runs, tables.trace, defaults)[["cell", "measure", "level", "cost"]]
    return table.astype({"cost": float})  # without a row it is of objects


def successes(tables: Tables, defaults: Defaults) -> pd.Series:
    """By cell: has it converged, or, in a game without distance and gap, reached every target?"""
    runs: Any = tables.runs[tables.runs["status"] != "not_applicable"]
    found = (runs.set_index("cell")["status"] == "converged").astype(bool)
    costs: Any = costs_of(tables, defaults)
    reached = np.isfinite(costs.set_index("cell")["cost"]).groupby(level=0).all()
    unjudged: Any = runs.loc[runs["status"] == "completed", "cell"]
    found[unjudged] = reached.reindex(unjudged, fill_value=False).to_numpy()
    return found


def log_ratios(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """log(after / before) of costs; ±∞ where only one is finite, NaN where neither is."""
    with np.errstate(invalid="ignore"):  # ∞ − ∞; a level that is reached at the start costs nothing, and counts as 1
        return np.log(np.maximum(after, 1.0)) - np.log(np.maximum(before, 1.0))


def middle(values: np.ndarray) -> np.ndarray:
    """The mean of what is left of the last axis when a quarter is cut off at either end; ±∞ where that holds infinities.

    NaN are no values; the median counts where infinities of both signs are left.
    """
    ordered = np.sort(values, axis=-1)  # NaN come last
    count = (~np.isnan(values)).sum(-1, keepdims=True)
    cut = (_CUT * count).astype(int)
    place = np.arange(values.shape[-1])
    left = (place >= cut) & (place < count - cut)
    with np.errstate(invalid="ignore"):
        mean = np.where(left, ordered, 0.0).sum(-1) / left.sum(-1)
    if values.shape[-1] == 0:
        return mean
    median = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, -1)[..., 0]
    return np.where(np.isnan(mean), median, mean)
