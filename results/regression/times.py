"""One number a run for its time: seconds a step, of runs that were stepped alone.

The seconds between two checkpoints over the steps between them, and of those the lowest decile, weighted by the steps: other work
on the machine makes intervals longer and never shorter, so the short ones are those that were left alone.
"""

from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.store import Tables

_QUANTILE = 0.1
_STEADY = 1.2


def seconds_per_step(tables: Tables) -> pd.Series:
    """By cell: seconds a step of the runs that ran alone (`runs_in_program` 1) and made a step."""
    alone: Any = tables.runs[tables.runs["seconds"].notna() & (tables.runs["steps"] > 0)]
    points: Any = tables.trace.loc[tables.trace["cell"].isin(list(alone["cell"])), ["cell", "step", "seconds"]]
    points = points.drop_duplicates(["cell", "step"]).sort_values(["cell", "step"])
    later = points["cell"].eq(points["cell"].shift())
    steps = points["step"].diff()[later].to_numpy(dtype=float)
    seconds = points["seconds"].diff()[later].to_numpy(dtype=float)
    table: Any = pd.DataFrame({"cell": points["cell"][later].to_numpy(), "each": seconds / steps, "steps": steps})
    table = table[table["each"] > 0].sort_values(["cell", "each"])
    steps_of: Any = table.groupby("cell")["steps"]
    enough = steps_of.cumsum() >= _QUANTILE * steps_of.transform("sum")
    return table[enough].drop_duplicates("cell").set_index("cell")["each"]


def log_time_ratios(baseline: pd.Series, new: pd.Series) -> tuple[pd.Series, float]:
    """log(new / baseline) by cell without what all cells share, and the factor they share.

    The shared factor (the median over all cells) is the state of the machine, or a change of what every step uses; it cannot be
    told from a warmer processor by these numbers, so it is taken out and reported.
    """
    both: Any = pd.concat({"old": baseline, "new": new}, axis=1, join="inner").dropna()
    ratios: Any = np.log(both["new"]) - np.log(both["old"])
    shared = float(np.median(ratios)) if len(ratios) else 0.0
    return ratios - shared, float(np.exp(shared))


def steady(logs: np.ndarray, pairing: np.ndarray) -> bool:
    """Do the runs of a pool agree well enough to be timed: is the middle half of them within 20 %?

    Where steps take longer than the slices of time that other work leaves, whole stretches of seeds come out slow together, which
    no test of pairs can know. Such a pool is not tested.

    Args:
        logs: of seconds a step, ``(runs,)``.
        pairing: what each run is of but for its seed; pairings are centred, each on its median.
    """
    values = pd.Series(logs)
    centred = values - values.groupby(pairing).transform("median")
    low, high = np.quantile(centred, [0.25, 0.75])
    return bool(high - low <= np.log(_STEADY))
