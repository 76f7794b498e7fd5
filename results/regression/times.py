"""One number a run for its time, of runs that were stepped alone: seconds a step, told in the yardstick that was timed beside it.

    t = q(seconds a step without waiting) / q(seconds of the yardstick)

q is the lowest decile of the intervals between checkpoints, weighted by their steps: other work on the machine makes intervals
longer and never shorter, so the short ones are those that were left alone. What a thread waited for a processor is known and is
taken off; what work on the neighbouring core costs by caches and clock frequency is in the yardstick too, and the quotient is
without it (`saddlebench.bench.yardstick`). Results that hold no yardstick are compared by seconds, less what all cells share.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.store import Tables

TIME_MARGIN = 1.05
"""A step may take this much longer before a test of time looks at it, and more where the nights ask for it (`margin`)."""
_SPREADS = 2.0
_FEWEST_POOLS = 8
_NORMAL = 1.4826  # the standard deviation of a normal distribution over its median absolute deviation
_QUANTILE = 0.1
_STEADY = 1.2


def step_times(tables: Tables) -> pd.DataFrame:
    """By cell, of the runs that ran alone (`runs_in_program` 1) and made a step: ``seconds`` a step, ``yardstick`` (NaN: none)."""
    alone: Any = tables.runs[tables.runs["seconds"].notna() & (tables.runs["steps"] > 0)]
    wanted = ["cell", "step", "seconds", "waited", "yardstick"]
    points: Any = tables.trace.loc[tables.trace["cell"].isin(list(alone["cell"])), wanted]
    points = points.drop_duplicates(["cell", "step"]).sort_values(["cell", "step"])
    points["busy"] = points["seconds"] - points["waited"].fillna(0.0)
    later = points["cell"].eq(points["cell"].shift())
    steps = points["step"].diff()[later].to_numpy(dtype=float)
    seconds = points["busy"].diff()[later].to_numpy(dtype=float)
    table: Any = pd.DataFrame({"cell": points["cell"][later].to_numpy(), "each": seconds / steps, "steps": steps})
    table = table[table["each"] > 0].sort_values(["cell", "each"])
    steps_of: Any = table.groupby("cell")["steps"]
    enough = steps_of.cumsum() >= _QUANTILE * steps_of.transform("sum")
    each = table[enough].drop_duplicates("cell").set_index("cell")["each"]
    told: Any = points[points["yardstick"] > 0].groupby("cell")["yardstick"]
    return pd.DataFrame({"seconds": each, "yardstick": told.quantile(_QUANTILE, interpolation="lower").reindex(each.index)})


def log_times(nights: Sequence[Tables]) -> tuple[pd.DataFrame, bool]:
    """Logarithms of the time a step of the cells timed in all of the results, a column each; are they told in yardsticks?

    Where some cells have yardsticks, those without were alone by chance and are left out.
    """
    found = [step_times(tables) for tables in nights]
    told: Any = pd.concat({k: times["yardstick"] for k, times in enumerate(found)}, axis=1, join="inner")
    logs: Any = np.log(pd.concat({k: times["seconds"] for k, times in enumerate(found)}, axis=1, join="inner"))
    with_one: Any = told.notna().all(axis=1)
    yardsticks = bool(with_one.any())
    return (logs[with_one] - np.log(told[with_one]) if yardsticks else logs), yardsticks


def shared(log_ratios: np.ndarray, yardsticks: bool) -> float:
    """What is left out of log(new / baseline) of all cells, because it says nothing of any one.

    Their median: in seconds a change of what every step uses cannot be told from a warmer processor. In yardsticks it can, and
    the median is left out as far as `TIME_MARGIN` goes.
    """
    median = float(np.median(log_ratios)) if len(log_ratios) else 0.0
    return float(np.clip(median, -np.log(TIME_MARGIN), np.log(TIME_MARGIN))) if yardsticks else median


def margin(medians: Sequence[float]) -> float:
    """The factor that is tolerated between two results: `TIME_MARGIN`, or twice what pools of the two differ by, if that is more.

    The seeds of a pool share whatever a night did to that pool, so pairs of seeds cannot tell it; most other pools, in which
    nothing was changed, can (the empirical null of Efron, JASA 99, 2004). Their spread is the median absolute deviation, which a
    few that were changed do not move. Of fewer than 8 pools there is no telling.

    Args:
        medians: of log(new / baseline), a number a pool.
    """
    values = np.asarray(medians, dtype=float)
    if len(values) < _FEWEST_POOLS:
        return TIME_MARGIN
    return max(TIME_MARGIN, float(np.exp(_SPREADS * _NORMAL * np.median(abs(values - np.median(values))))))


def steady(logs: np.ndarray, pairing: np.ndarray) -> bool:
    """Do the runs of a pool agree well enough to be timed: is the middle half of them within 20 %?

    Where steps take longer than the slices of time that other work leaves, whole stretches of seeds come out slow together, which
    no test of pairs can know. Such a pool is not tested.

    Args:
        logs: of the time a step, ``(runs,)``.
        pairing: what each run is of but for its seed; pairings are centred, each on its median.
    """
    values = pd.Series(logs)
    centred = values - values.groupby(pairing).transform("median")
    low, high = np.quantile(centred, [0.25, 0.75])
    return bool(high - low <= np.log(_STEADY))
