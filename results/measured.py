"""One number a run: the measure that a table or a figure is about, with censoring.

A run that diverged, failed or timed out is infinitely bad in what it was to achieve (a distance, a gap, a measure of the game, a
cost to a target), where its game has that at all; in what describes it (a rate, a radius, its time) it keeps the number it has.
What does not apply has none.
"""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from saddlebench.errors import InputError, unknown
from saddlebench.results.schema import RUNS, Direction, measure_direction
from saddlebench.results.summary import Defaults
from saddlebench.results.targets import reached_targets

TO_TARGET = ("cost_to", "steps_to")
_LOST = ("diverged", "error", "timeout")
_OUTCOMES = ("final_", "best_")
_NUMBERS = {c.name: c for c in RUNS if c.kind in ("float", "int") and c.name not in ("seed", "protocol", "threads")}


@dataclass(frozen=True)
class Measured:
    """A measure of every run.

    Attributes:
        name: of the measure.
        values: shape (runs,), NaN where a run has none, infinitely bad where it is censored.
        better: which way it improves, if any.
        spent: of a cost to a target, what the run spent on the way or in vain; else None.
    """

    name: str
    values: np.ndarray
    better: Direction | None
    spent: np.ndarray | None = None


def measured(
    runs: pd.DataFrame, name: str, trace: pd.DataFrame | None = None, defaults: Defaults | None = None, target: float | None = None
) -> Measured:
    """The measure ``name`` of each run.

    Args:
        runs: rows of the table `runs`, each cell once.
        name: a number in the table `runs` (``final_distance``, ``measured_rate``, ``spectral_radius``, …), one of the games' own
            measures at the end (``modes_covered``, ``fd_lenet``) or at its best (``best_fd_lenet``), ``cost_to`` or ``steps_to``.
        trace: the table `trace`, for ``cost_to`` and ``steps_to``.
        defaults: of the catalogues, by which pinned targets are found.
        target: the level in place of the hardest pinned one (a fraction of the start for distance and gap).

    Raises:
        InputError: no run has it.
    """
    if name in TO_TARGET:
        if trace is None:
            raise InputError(f"{name} is read off the trace, which is not there")
        return _to_target(runs, name, trace, defaults or {}, target)
    applies = (runs["status"] != "not_applicable").to_numpy()
    if name in _NUMBERS:
        column = _NUMBERS[name]
        values = runs[name].to_numpy(dtype=float, na_value=np.nan)
        values = np.where(applies, values, np.nan)
        if not name.startswith(_OUTCOMES):
            return Measured(name, values, column.better)
        return Measured(name, _censored(runs, values, column.better), column.better)
    kind, own = ("best", name.removeprefix("best_")) if name.startswith("best_") else ("final", name.removeprefix("final_"))
    texts = [json.loads(text) if isinstance(text, str) else {} for text in runs[f"{kind}_measures"]]
    if not any(own in one for one in texts):
        known = {key for one in texts for key in one} | set(_NUMBERS) | set(TO_TARGET)
        raise unknown("measure in these results:", name, known)
    values = np.array([np.nan if (value := one.get(own)) is None else float(value) for one in texts])
    better = measure_direction(own)
    return Measured(name, _censored(runs, np.where(applies, values, np.nan), better), better)


def own_measures(runs: pd.DataFrame) -> set[str]:
    """The names of the games' own measures that these runs have at their ends."""
    return {name for text in runs["final_measures"].dropna().unique() for name in json.loads(text)}


def _censored(runs: pd.DataFrame, values: np.ndarray, better: Direction | None) -> np.ndarray:
    """Infinitely bad where the run was lost and another of the same game has a number."""
    if better is None:
        return values
    game = pd.factorize(runs["game"] + runs["game_parameters"])[0]
    has = np.zeros(game.max(initial=-1) + 1, dtype=bool)
    has[game[~np.isnan(values)]] = True
    lost = runs["status"].isin(_LOST).to_numpy() & has[game]
    return np.where(lost, np.inf if better == "lower" else -np.inf, values)


def _to_target(runs: pd.DataFrame, name: str, trace: pd.DataFrame, defaults: Defaults, target: float | None) -> Measured:
    """The cost at which a run has reached its game's last level, of every measure that the game is judged by."""
    numbered = runs.reset_index(drop=True)
    values = np.full(len(runs), np.nan)
    for one in reached_targets(numbered, trace, defaults, levels=() if target is None else (target,)):
        at = one.runs.index.to_numpy()
        last = (one.cost if name == "cost_to" else one.step)[:, -1]
        values[at] = np.fmax(values[at], last)
    total = numbered["cost" if name == "cost_to" else "steps"].to_numpy(dtype=float)
    return Measured(name, values, "lower", np.where(np.isfinite(values), values, total))
