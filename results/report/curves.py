"""Curves of the report: median and middle half over seeds at a limited number of checkpoints.

A run that has diverged counts as infinitely far from there on, so a median never improves by losing its worst runs; it ends where
half of the runs are lost. Runs that ended otherwise before the others (errors, timeouts) are left out from there on.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.schema import measure_direction

MOST_POINTS = 200
_FEWEST_POINTS = 20
_DIGITS = 4  # of a value: more than can be read off
_LOST = 1e300  # stands for infinity while quantiles are interpolated


def curves(
    members: Sequence[np.ndarray], runs: pd.DataFrame, trace: pd.DataFrame, most_numbers: int
) -> tuple[list[dict[str, Any] | None], int]:
    """A line a group and measure.

    Args:
        members: positions in ``runs`` of each group.
        runs: the table `runs`.
        trace: the table `trace`.
        most_numbers: about how many numbers there may be: lines get fewer points, at worst 20, then the last groups none.

    Returns:
        For each group ``{"step", "cost", "seconds", "measures": {name: [median, low, high]}}``, columns of one length, ``seconds``
        None unless every run ran alone; or None, where there is no trace or no room; and the points a line was allowed.
    """
    group = np.full(len(runs), -1)
    for number, at in enumerate(members):
        group[at] = number
    keys = runs[["cell", "context", "status", "runs_in_program"]].assign(group=group, run=np.arange(len(runs)))
    points: Any = trace.merge(keys[group >= 0], on=["cell", "context"])
    if points.empty:
        return [None] * len(members), MOST_POINTS
    averaged = (points["answer"] == "average").to_numpy()
    names = points["measure"].to_numpy(dtype=object)
    points = points.assign(
        measure=np.where(averaged, names + " of the average", names), cost=points["gradients"] + 2 * points["products"]
    )
    lines = points[["group", "measure"]].drop_duplicates().shape[0]
    allowed = int(np.clip(most_numbers / (3 * lines), _FEWEST_POINTS, MOST_POINTS))
    found: list[dict[str, Any] | None] = [None] * len(members)
    left = most_numbers
    for number, part in points.groupby("group", sort=True):
        if left <= 0:
            break
        line = _group(part, len(members[int(number)]), allowed)
        found[int(number)] = line
        left -= sum(len(column) for measure in line["measures"].values() for column in measure) if line else 0
    return found, allowed


def _group(part: pd.DataFrame, n: int, allowed: int) -> dict[str, Any] | None:
    _, run = np.unique(part["run"].to_numpy(), return_inverse=True)
    steps, when = np.unique(part["step"].to_numpy(), return_inverse=True)
    part = part.assign(row=when, column=run)
    shape = len(steps), int(run.max()) + 1
    last = np.zeros(shape[1], dtype=int)
    np.maximum.at(last, run, when)
    diverged = np.zeros(shape[1], dtype=bool)
    diverged[run] = (part["status"] == "diverged").to_numpy()
    there = np.zeros(shape, dtype=bool)
    there[when, run] = True
    over = np.arange(len(steps))[:, None] > last
    kept = np.flatnonzero((there | over).all(1))  # not the checkpoints of a few runs alone, such as the last of those that diverged
    if not len(kept):
        return None
    kept = kept[np.unique(np.linspace(0, len(kept) - 1, min(allowed, len(kept))).round().astype(int))]

    def table(rows: pd.DataFrame, name: str) -> np.ndarray:
        filled = np.full(shape, np.nan)
        filled[rows["row"].to_numpy(), rows["column"].to_numpy()] = rows[name].to_numpy(dtype=float)
        return filled[kept]

    measures = {}
    for measure, rows in part.groupby("measure", sort=False):
        values = table(rows, "value")
        worst = -_LOST if measure_direction(str(measure)) == "higher" else _LOST
        values = np.where(diverged & (over[kept] | ~np.isfinite(values)), worst, values)
        measures[str(measure)] = _quartiles(np.clip(values, -_LOST, _LOST))
    seconds = _middle(table(part, "seconds")) if bool(np.all(part["runs_in_program"] == 1)) else np.array([np.nan])
    return {
        "step": steps[kept].tolist(),
        "cost": _middle(table(part, "cost")).tolist(),
        "seconds": seconds.tolist() if np.isfinite(seconds).all() else None,
        "measures": measures,
    }


def _middle(table: np.ndarray) -> np.ndarray:
    """The median over the runs that are there, a row a step; some run is at every step."""
    return np.nanmedian(table, axis=1)


def _quartiles(table: np.ndarray) -> list[list[float | None]]:
    """Median, first and third quartile of each row; None where one is infinite or of nothing."""
    found = np.full((3, len(table)), np.nan)
    filled = ~np.isnan(table).all(1)
    found[:, filled] = np.nanquantile(table[filled], [0.5, 0.25, 0.75], axis=1)
    return [[None if not abs(v) < _LOST * 1e-6 else float(f"{v:.{_DIGITS}g}") for v in column] for column in found]
