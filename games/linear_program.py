"""The equilibrium of a zero-sum matrix game by linear programming."""

import numpy as np
from scipy.optimize import linprog

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
    found = linprog(
        np.append(np.zeros(rows), 1.0),
        A_ub=np.hstack([loss.T, -np.ones((columns, 1))]),
        b_ub=np.zeros(columns),
        A_eq=np.append(np.ones(rows), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * rows + [(None, None)],
        method="highs-ds",
    )
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


def _transposed(bordered: np.ndarray) -> np.ndarray:
    """The equations of x: Mᵀx = t, Σx = 1."""
    played = bordered[:-1, :-1]
    return np.block([[played.T, bordered[:-1, -1:]], [bordered[-1:, :-1], np.zeros((1, 1))]])
