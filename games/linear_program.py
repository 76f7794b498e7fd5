"""The equilibria of a zero-sum matrix game by linear programming."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import linprog, nnls

_SLACK = 1e-11  # of the largest difference of two losses: a value that rounding makes too small leaves no strategy optimal
_TOLERANCE = 1e-7  # on probabilities and losses, relative to the largest difference of two losses


def unique_equilibrium(loss: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The equilibrium (x, y) of min_x max_y xᵀMy over probabilities; None where there are several.

    min t subject to Mᵀx ≤ t, Σx = 1, x ≥ 0; the multipliers of Mᵀx ≤ t are y. The solver's answer is exact to its tolerance only,
    so the actions that are played give the equations that it solves, and these the answer to rounding. It is the only one exactly
    if these equations are regular and every other action is strictly worse (no degenerate vertex, strict complementarity).
    """
    scale = np.ptp(loss)
    if scale == 0:
        return (np.ones(1), np.ones(1)) if loss.size == 1 else None
    loss = (loss - loss.min()) / scale
    rows, columns = loss.shape
    found = _solved(loss)
    row, column = found.x[:rows] > _TOLERANCE, -found.ineqlin.marginals > _TOLERANCE
    played = loss[np.ix_(row, column)]
    if played.shape[0] != played.shape[1]:
        return None
    x, y = np.zeros(rows), np.zeros(columns)
    ones = np.ones((len(played), 1))
    bordered = np.block([[played, -ones], [ones.T, np.zeros((1, 1))]])
    if np.linalg.cond(bordered) > 1 / _TOLERANCE:
        return None
    right = np.append(np.zeros(len(played)), 1.0)
    (*answer_y, value), (*answer_x, _) = np.linalg.solve(bordered, right), np.linalg.solve(_transposed(bordered), right)
    x[row], y[column] = answer_x, answer_y
    worse = np.concatenate([(loss @ y - value)[~row], (value - loss.T @ x)[~column], x[row], y[column]])
    return (x, y) if worse.min() > _TOLERANCE else None


def _solved(loss: np.ndarray) -> Any:
    """min t subject to Mᵀx ≤ t, Σx = 1, x ≥ 0."""
    rows, columns = loss.shape
    return linprog(
        np.append(np.zeros(rows), 1.0),
        A_ub=np.hstack([loss.T, -np.ones((columns, 1))]),
        b_ub=np.zeros(columns),
        A_eq=np.append(np.ones(rows), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * rows + [(None, None)],
        method="highs-ds",
    )


@dataclass(frozen=True)
class OptimalStrategies:
    """All equilibria of min_x max_y xᵀMy, several or one: x and y are optimal each for itself, Mᵀx ≤ v and My ≥ v."""

    loss: np.ndarray

    @cached_property
    def _bounds(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """(G, h) of each player's optimal strategies, Gz ≥ h; the sum is bounded from both sides."""
        slack = _SLACK * np.ptp(self.loss)
        value = float(_solved(self.loss).fun)
        players = ((-self.loss.T, -value - slack), (self.loss, value - slack))
        return tuple(
            (
                np.vstack([part, np.eye(part.shape[1]), np.ones(part.shape[1]), -np.ones(part.shape[1])]),
                np.concatenate([np.full(len(part), bound), np.zeros(part.shape[1]), [1.0, -1.0]]),
            )
            for part, bound in players
        )

    def distance(self, x: np.ndarray, y: np.ndarray) -> float:
        """‖(x, y) − (x*, y*)‖ for the nearest of them; NaN where x or y is not finite."""
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return float("nan")
        first, second = (_distance(z, *bounds) for z, bounds in zip((x, y), self._bounds, strict=True))
        return float(np.hypot(first, second))


def _distance(z: np.ndarray, g: np.ndarray, h: np.ndarray) -> float:
    """The distance of z to {Gu ≥ h}: least-distance programming, by non-negative least squares (Lawson & Hanson 1974)."""
    lacking = h - g @ z
    scale = lacking.max(initial=0.0)  # the distance is about as large: at any scale the least squares are well posed
    if scale <= 0:
        return 0.0
    system = np.vstack([g.T, lacking / scale])
    target = np.append(np.zeros(len(z)), 1.0)
    rest = system @ nnls(system, target)[0] - target
    return float(scale * np.linalg.norm(rest[:-1] / rest[-1]))


def _transposed(bordered: np.ndarray) -> np.ndarray:
    """The equations of x: Mᵀx = t, Σx = 1."""
    played = bordered[:-1, :-1]
    return np.block([[played.T, bordered[:-1, -1:]], [bordered[-1:, :-1], np.zeros((1, 1))]])
