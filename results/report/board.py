"""The leaderboard: a row per game, optimizer, their parameters and budget, with success rate, cost to success and medians.

success    converged runs k of n, with Wilson's interval at 95 %
runtime    average runtime: what all runs spent until they converged or ended, over the number that converged
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.report.commands import command, missing
from saddlebench.results.schema import STATUSES, columns, measure_direction
from saddlebench.results.statistics.intervals import wilson
from saddlebench.results.statistics.runtime import average_runtime
from saddlebench.results.summary import AFTER, SHOWN, Defaults, grouping, summarise

_SUMMARY_OF = {  # columns of a summary → of the table runs
    "distance": "final_distance",
    "gap": "final_gap",
    "rate": "measured_rate",
    "radius": "spectral_radius_transverse",
    "predicted": "predicted_radius",
    "cost": "cost",
    "seconds": "seconds",
    "steps": "steps",
}
_CONTEXT_OF_MEASURES = ("_floor", "_uniform_noise", "_n_real", "_n_fake")
_VARIANTS = ("budget", "dtype", "protocol")
JUDGES = ("distance", "gap", "fid", "fd_", "kid", "modes_covered")  # a game is judged by the first that it has


@dataclass(frozen=True)
class Row:
    """A row of the leaderboard.

    Attributes:
        game: label of the game.
        runs: positions of the group's runs in the table.
        solved: ``(runs,)``, which of them converged to a solution.
        record: the row of the summary.
        values: its numbers, and ``runtime``.
        order: what the rows of a game are sorted by at first.
    """

    game: str
    runs: np.ndarray
    solved: np.ndarray
    record: dict[Any, Any]
    values: dict[str, float]
    order: tuple[float, ...]


def rows(runs: pd.DataFrame, spent: np.ndarray, defaults: Defaults) -> list[Row]:
    """All rows, those of a game from the best to the worst; pairings of which nothing applied are left to the failures.

    Args:
        runs: the table `runs`, each cell once.
        spent: ``(runs,)``, the cost of each until it converged or ended (`spent_until`).
        defaults: of the catalogues.
    """
    summary = summarise(runs, defaults)
    groups = grouping(runs)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1]) if len(runs) else []
    statuses = runs["status"].to_numpy(dtype=object)
    solved = (statuses == "converged") & runs["reason"].isna().to_numpy()  # with a reason: drawn to no solution
    found = []
    for record, at in zip(summary.to_dict("records"), members, strict=True):
        applied = at[statuses[at] != "not_applicable"]
        if len(applied):
            judged = bool((statuses[applied] != "completed").any())
            found.append(_row(record, applied, spent[applied], solved[applied], judged))
    first = {row.game: k for k, row in reversed(list(enumerate(found)))}
    return sorted(found, key=lambda row: (first[row.game], *row.order))


def _row(record: dict[Any, Any], at: np.ndarray, spent: np.ndarray, solved: np.ndarray, judged: bool) -> Row:
    values = {name: value for name, value in record.items() if isinstance(value, float | int) and not isinstance(value, bool)}
    values = {name: value for name, value in values.items() if name not in ("n", "raw_radius") and not is_context(name)}
    judge = next((name for wanted in JUDGES for name in values if name.startswith(wanted) and not math.isnan(values[name])), None)
    sign = -1.0 if judge and measure_direction(judge) == "higher" else 1.0
    runtime = float(average_runtime(spent, solved)) if judged else math.nan
    order = (-float(solved.mean()), _last(runtime), _last(sign * values[judge] if judge else math.inf))
    return Row(str(record["game"]), at, solved, record, {**values, "runtime": runtime}, order)


def shown(row: Row, runs: pd.DataFrame, defaults: Defaults) -> dict[str, Any]:
    """What the page holds of a row but its numbers."""
    record, head = row.record, {str(name): value for name, value in runs.iloc[row.runs[0]].items()}
    statuses = Counter(runs["status"].iloc[row.runs])
    n, ok = len(row.runs), int(row.solved.sum())
    judged, interval = statuses["completed"] < n, wilson(ok, n)
    return {
        "optimizer": record["optimizer"],
        "track": head["track"],
        "n": n,
        "ok": ok if judged else None,
        "interval": [interval.low, interval.high] if judged else None,
        "statuses": {status: statuses[status] for status in STATUSES if status in statuses},
        "deceived": statuses["converged"] - ok,
        "reason": text(record["reason"]),
        "no_spectrum": text(record["spectrum_reason"]),
        "variants": {name: record[name] for name in _VARIANTS if isinstance(record.get(name), str | int)},
        "command": command(head, runs["seed"].iloc[row.runs].tolist(), defaults),
        "missing": missing(head),
        "commit": head["commit"],
        "dirty": isinstance(head["dirty"], str),
        "extractor": text(head["extractor"]),
    }


def spent_until(runs: pd.DataFrame, trace: pd.DataFrame, position: np.ndarray) -> np.ndarray:
    """``(runs,)``: the cost of each run that converged until the first checkpoint within its tolerance; of others all their cost.

    The criterion is the distance, or the gap of a game that has none; the tolerance is the budget's ``converged``, by default 1e-6
    of the start.

    Args:
        runs: the table `runs`.
        trace: the table `trace`.
        position: of each row of ``trace`` its run (`saddlebench.results.points.positions`).
    """
    spent = runs["cost"].to_numpy(dtype=float).copy()
    won = (runs["status"] == "converged").to_numpy()
    budgets, texts = pd.factorize(runs["budget"])
    tolerance = np.array([_converged(str(budget)) for budget in texts])[budgets]
    last = (position >= 0) & won[position] & (trace["answer"] == "last").to_numpy()
    by_distance = np.zeros(len(runs), dtype=bool)
    is_distance = (trace["measure"] == "distance").to_numpy()
    by_distance[position[last & is_distance]] = True
    judged = last & np.where(by_distance[position], is_distance, (trace["measure"] == "gap").to_numpy())
    rows = np.flatnonzero(judged)
    run, step = position[rows], trace["step"].to_numpy()[rows]
    order = np.lexsort((step, run))
    rows, run = rows[order], run[order]
    value = trace["value"].to_numpy(dtype=float, na_value=np.nan)[rows]
    begins = np.flatnonzero(np.diff(run, prepend=-1))
    start = np.repeat(value[begins], np.diff(np.append(begins, len(run))))
    met = np.flatnonzero(value <= tolerance[run] * start)
    first = met[np.flatnonzero(np.diff(run[met], prepend=-1))]
    spent[run[first]] = (trace["gradients"] + 2 * trace["products"]).to_numpy(dtype=float)[rows[first]]
    return spent


def described(names: Sequence[str]) -> list[dict[str, Any]]:
    """What the page says of the number columns: name, unit, direction, meaning."""
    known = {column.name: column for column in columns("runs")}
    found = []
    for name in [
        *[n for n in SHOWN if n in names],
        *[n for n in names if n not in (*SHOWN, *AFTER)],
        *[n for n in AFTER if n in names],
    ]:
        column = known.get(_SUMMARY_OF.get(name, ""))
        if name == "runtime":
            meaning, unit, better = "cost of all runs until they converged or ended, per converged run", "fields", "lower"
        elif column:
            meaning, unit, better = f"median over seeds: {column.meaning}", column.unit, column.better
        else:
            meaning, unit, better = "median over seeds of the value at the end of the run", "", measure_direction(name)
        found.append({"name": name, "unit": unit, "better": None if name == "steps" else better, "meaning": meaning})
    return found


def is_context(measure: str) -> bool:
    """Is it no result, but what stands beside one: a floor, a control, a count?"""
    return measure.endswith(_CONTEXT_OF_MEASURES)


def text(value: Any) -> str | None:
    """A text, or None for pandas' missing values."""
    return value if isinstance(value, str) else None


def _converged(budget: str) -> float:
    return json.loads(budget).get("converged", 1e-6)


def _last(value: float) -> float:
    return math.inf if math.isnan(value) else value
