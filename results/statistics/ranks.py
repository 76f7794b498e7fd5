"""Ranks of competitors, problem by problem."""

import numpy as np
from scipy.stats import rankdata


def ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each competitor on each problem: 1 is the smallest value, ties share the mean of their ranks.

    Args:
        values: shape (problems, competitors). An infinite value (never got there) shares the last rank with the others of its kind;
            NaN is a competitor that did not take part, which has no rank, and the others are ranked among themselves.

    Returns:
        The same shape; NaN where the value is.
    """
    table = np.asarray(values, dtype=float)
    if not table.size:
        return table.copy()
    return np.asarray(rankdata(table, method="average", axis=-1, nan_policy="omit"), dtype=float)
