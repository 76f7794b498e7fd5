"""Curves of the report: median and middle half over seeds at a limited number of checkpoints.

A run that has diverged counts as infinitely far from there on, so a median never improves by losing its worst runs; it ends where
half of the runs are lost. Runs that ended otherwise before the others (errors, timeouts) are left out from there on.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.schema import measure_direction

MOST_POINTS = 200
_FEWEST_POINTS = 20
_AVERAGE = " of the average"
_DIGITS = 4  # of a value: more than can be read off
_LOST = 1e300  # stands for infinity while quantiles are interpolated


def curves(
    members: Sequence[np.ndarray], runs: pd.DataFrame, trace: pd.DataFrame, position: np.ndarray, most_numbers: int
) -> tuple[list[dict[str, Any] | None], int]:
    """A line a group and measure.

    Args:
        members: positions in ``runs`` of each group.
        runs: the table `runs`.
        trace: the table `trace`.
        position: of each row of ``trace`` its run (`saddlebench.results.points.positions`).
        most_numbers: about how many numbers there may be: lines get fewer points, at worst 20, then the last groups none.

    Returns:
        For each group ``{"step", "cost", "seconds", "measures": {name: [median, low, high]}}``, columns of one length, ``seconds``
        None unless every run ran alone; or None, where there is no trace or no room; and the points a line was allowed.
    """
    group = np.full(len(runs), -1)
    for number, at in enumerate(members):
        group[at] = number
    group_of_row = np.where(position >= 0, group[position], -1)
    rows = np.flatnonzero(group_of_row >= 0)
    if not len(rows):
        return [None] * len(members), MOST_POINTS
    rows = rows[np.argsort(group_of_row[rows], kind="stable")]
    measures, answers = ((codes[rows], texts) for codes, texts in map(pd.factorize, (trace["measure"], trace["answer"])))
    names = [f"{m}{_AVERAGE if a == 'average' else ''}" for m in measures[1] for a in answers[1]]
    # Plain arrays from here on: pandas operations a group would take longer than all else.
    columns = {name: trace[name].to_numpy(dtype=float)[rows] for name in ("value", "gradients", "products", "seconds")}
    columns |= {"step": trace["step"].to_numpy()[rows], "run": position[rows], "group": group_of_row[rows]}
    columns["measure"] = measures[0] * len(answers[1]) + answers[0]
    bounds = np.flatnonzero(np.diff(columns["group"], prepend=-1, append=-1))
    parts = [{name: values[a:b] for name, values in columns.items()} for a, b in itertools.pairwise(bounds)]
    lines = sum(len(np.unique(part["measure"])) for part in parts)
    allowed = int(np.clip(most_numbers / (3 * lines), _FEWEST_POINTS, MOST_POINTS))
    diverged, alone = (runs["status"] == "diverged").to_numpy(), (runs["runs_in_program"] == 1).to_numpy()
    found: list[dict[str, Any] | None] = [None] * len(members)
    left = most_numbers
    for part in parts:
        if left <= 0:
            break
        line = found[int(part["group"][0])] = _group(part, names, diverged, alone, allowed)
        left -= sum(len(column) for measure in line["measures"].values() for column in measure) if line else 0
    return found, allowed


def _group(
    part: dict[str, np.ndarray], names: list[str], diverged: np.ndarray, alone: np.ndarray, allowed: int
) -> dict[str, Any] | None:
    runs, run = np.unique(part["run"], return_inverse=True)
    steps, when = np.unique(part["step"], return_inverse=True)
    shape = len(steps), len(runs)
    last = np.zeros(len(runs), dtype=int)
    np.maximum.at(last, run, when)
    there = np.zeros(shape, dtype=bool)
    there[when, run] = True
    over = np.arange(len(steps))[:, None] > last
    kept = np.flatnonzero((there | over).all(1))  # not the checkpoints of a few runs alone, such as the last of those that diverged
    if not len(kept):
        return None
    kept = kept[np.unique(np.linspace(0, len(kept) - 1, min(allowed, len(kept))).round().astype(int))]

    def table(values: np.ndarray, at: Any = slice(None)) -> np.ndarray:
        filled = np.full(shape, np.nan)
        filled[when[at], run[at]] = values[at]
        return filled[kept]

    measures = {}
    for code in np.unique(part["measure"]):
        values = table(part["value"], part["measure"] == code)
        worst = -_LOST if measure_direction(names[code]) == "higher" else _LOST
        values = np.where(diverged[runs] & (over[kept] | ~np.isfinite(values)), worst, values)
        quartiles = _quantiles(np.clip(values, -_LOST, _LOST), (0.5, 0.25, 0.75))
        measures[names[code]] = [[_shortened(value) for value in column] for column in quartiles.tolist()]
    (cost,) = _quantiles(table(part["gradients"] + 2 * part["products"]), (0.5,))
    (seconds,) = _quantiles(table(part["seconds"]), (0.5,))
    timed = bool(alone[runs].all()) and bool(np.isfinite(seconds).all())
    return {
        "step": steps[kept].tolist(),
        "cost": cost.tolist(),
        "seconds": seconds.tolist() if timed else None,
        "measures": measures,
    }


def _quantiles(table: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """``(levels, rows)``: quantiles of the numbers in each row, between two of them linear; NaN where there are none."""
    ordered = np.sort(table, axis=1)  # NaN last
    most = np.maximum((~np.isnan(table)).sum(1) - 1, 0)
    at = np.outer(levels, most)
    row, below = np.arange(len(table)), np.floor(at).astype(int)
    low, high = ordered[row, below], ordered[row, np.minimum(below + 1, most)]
    return low + (at - below) * (high - low)


def _shortened(value: float) -> float | None:
    """Four digits; None for what is infinite or was not measured."""
    return float(f"{value:.{_DIGITS}g}") if abs(value) < _LOST * 1e-6 else None
