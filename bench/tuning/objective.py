"""What trials are judged by: one measure at the end of the budget.

A distance or gap counts as the logarithm of its fraction of the start, other measures as they are. A trial's score is the median
over its seeds; a run without an end to judge by (diverged, error, timeout) counts as infinitely bad. Below 1e-11 of the start a
distance is rounding: such trials tie. Ties go to the lower cost to the verdict's tolerance, then to the smaller distance; of other
measures to the better mean, then to the better high-quality fraction where modes are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from saddlebench.bench.measuring import Measurer, Snapshot
from saddlebench.errors import InputError, unknown
from saddlebench.games.game import Game
from saddlebench.results.schema import Direction, measure_direction
from saddlebench.results.targets import Targets, first_reached

RELATIVE = ("distance", "gap")
_PREFERRED = (*RELATIVE, "fd_lenet", "modes_covered")
_SECOND = {"modes_covered": "high_quality_fraction"}
_ROUNDING = -11.0  # decades below the start


@dataclass(frozen=True)
class Objective:
    """A measure of one of the answers, its direction, and the fraction of the start at which a run has converged."""

    measure: str
    direction: Direction
    answer: str = "last"
    converged: float = 1e-6

    @property
    def relative(self) -> bool:
        """Is it judged as a fraction of its start?"""
        return self.measure in RELATIVE

    def __str__(self) -> str:
        of = "median over seeds of the final"
        whose = f" of the {self.answer} answer" if self.answer != "last" else ""
        how = f"{self.measure} as a fraction of its start" if self.relative else f"{self.measure} ({self.direction} is better)"
        return f"{of} {how}{whose}"


@dataclass(frozen=True)
class Score:
    """One trial's.

    Attributes:
        value: the median of the measure over seeds, infinite where it is censored.
        cost: the median cost to the tolerance, of a distance or gap.
        order: what trials are sorted by, best first.
    """

    value: float
    cost: float | None
    order: tuple[float, ...]

    @property
    def censored(self) -> bool:
        """Did the median run come to nothing?"""
        return not np.isfinite(self.order[0])


def objective_of(game: Game, asked: str, answer: str, converged: float) -> Objective:
    """The objective that a user asked for, or with ``"auto"`` the one that the game is judged by.

    Raises:
        InputError: the game has no such measure, or none that has a better direction; an average of another measure than distance
            or gap, which most methods have not.
    """
    seeds = torch.zeros(1, dtype=torch.int64)
    profile = game.initial(seeds)
    buffers = game.buffers(profile, seeds)
    measured = Measurer(game, seeds, profile)([Snapshot(0, {answer: profile}, buffers)])
    known = {name for _, name in measured if measure_direction(name) is not None}
    if asked == "auto":
        asked = next(name for name in (*_PREFERRED, *sorted(known - {"field_norm"}), "field_norm") if name in known)
    direction = measure_direction(asked)
    if asked not in known or direction is None:
        raise unknown("objective", asked, known)
    if answer != "last" and asked not in RELATIVE:
        raise InputError(f"{asked} is judged at the last iterate: an average is told by distance or gap")
    return Objective(asked, direction, answer, converged)


def scores(objective: Objective, trace: pd.DataFrame, cells: Sequence[Sequence[str]], lost: set[str]) -> list[Score]:
    """The score of every trial.

    Args:
        objective: by what.
        trace: of all trials' runs, each cell of one context.
        cells: the cells of each trial, a seed each.
        lost: cells whose runs have no end to be judged by: diverged, error, timeout.
    """
    table: Any = trace[trace["answer"] == objective.answer]
    curves = table[table["measure"] == objective.measure].sort_values("step", kind="stable")
    finals = _ends(curves, "last")
    if not objective.relative:
        second = _ends(table[table["measure"] == _SECOND.get(objective.measure)].sort_values("step", kind="stable"), "last")
        return [_absolute(objective, trial, finals, second, lost) for trial in cells]
    starts = _ends(curves, "first")
    reached = first_reached(curves, Targets(objective.measure, objective.direction, (objective.converged,), True))
    costs = dict(zip(reached["cell"], reached["cost"], strict=True))
    return [_relative(trial, starts, finals, costs, lost) for trial in cells]


def _ends(curves: Any, which: Literal["first", "last"]) -> dict[str, float]:
    """Each cell's first or last value, NaN or not, of curves in the order of their steps."""
    return curves.drop_duplicates("cell", keep=which).set_index("cell")["value"].to_dict()


def _relative(trial: Sequence[str], starts: Any, finals: Any, costs: Any, lost: set[str]) -> Score:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.array([np.inf if c in lost or c not in finals else np.float64(finals[c]) / starts[c] for c in trial])
        decades = np.log10(np.where(np.isnan(ratios), np.inf, ratios))
    median = _median(decades)
    cost = _median(np.array([costs.get(c, np.inf) for c in trial]))
    with np.errstate(over="ignore"):
        return Score(float(np.power(10.0, median)), cost, (max(median, _ROUNDING), cost, median))


def _absolute(objective: Objective, trial: Sequence[str], finals: Any, second: Any, lost: set[str]) -> Score:
    sign = 1.0 if objective.direction == "lower" else -1.0

    def values(of: Any) -> np.ndarray:
        found = np.array([np.inf if c in lost or c not in of else sign * of[c] for c in trial], dtype=float)
        return np.where(np.isnan(found), np.inf, found)

    other = _SECOND.get(objective.measure)
    tie = -_median(np.array([second.get(c, -np.inf) for c in trial])) if other else 0.0
    median = _median(values(finals))
    return Score(sign * median, None, (median, float(values(finals).mean()), tie))


def _median(values: np.ndarray) -> float:
    """The median, the upper one of an even number: an infinite one is not averaged away."""
    return float(np.sort(values)[len(values) // 2])
