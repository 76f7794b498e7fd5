"""One number of many runs: median, interquartile mean, probability of improvement."""

from collections.abc import Sequence

import numpy as np

from saddlebench.errors import InputError
from saddlebench.results.statistics.intervals import LEVEL, RESAMPLES, Interval, percentile_interval


def median(values: np.ndarray) -> np.ndarray:
    """The median along the last axis; between a finite and an infinite middle value it is infinite.

    NaN where there are no values. (numpy's gives NaN between infinities of one sign.)
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)
    n = ordered.shape[-1]
    if not n:
        return np.full(ordered.shape[:-1], np.nan)
    low, high = ordered[..., (n - 1) // 2], ordered[..., n // 2]
    return np.where(low == high, low, low / 2 + high / 2)


def iqm(values: np.ndarray) -> np.ndarray:
    """The interquartile mean along the last axis: of n values the ⌊n/4⌋ least and greatest are left out.

    As Agarwal et al. (NeurIPS 2021) take it, ``scipy.stats.trim_mean(values, 0.25)``. Infinite once more than ⌊n/4⌋ values are.
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)
    cut = ordered.shape[-1] // 4
    kept = ordered[..., cut : ordered.shape[-1] - cut]
    return kept.mean(axis=-1) if kept.shape[-1] else np.full(ordered.shape[:-1], np.nan)


def probability_of_improvement(
    ours: Sequence[np.ndarray],
    theirs: Sequence[np.ndarray],
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """How likely a run of ours is smaller than one of theirs on a game drawn at random: the mean over games of the pairs won.

    Of a game with runs x and y: mean over all pairs of [x < y] + ½[x = y], the Mann–Whitney statistic over |x||y|; two runs that
    never got there tie. The interval is the percentile bootstrap in which the runs of each game and side are drawn anew.

    Args:
        ours: a game each, shape (runs,).
        theirs: likewise, the same games.
        generator: where random numbers come from.
        resamples: how many.
        level: of confidence.

    Raises:
        InputError: the games are not as many, or one has no runs.
    """
    if len(ours) != len(theirs) or not ours or not all(len(x) and len(y) for x, y in zip(ours, theirs, strict=True)):
        raise InputError("a probability of improvement takes runs of both sides on every game")
    estimates, resampled = [], []
    for x, y in zip(ours, theirs, strict=True):
        a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        won = (a[:, None] < b) + 0.5 * (a[:, None] == b)
        # The share of pairs won in a resample is how often each run was drawn, on either side of the table of pairs.
        p = generator.multinomial(len(a), np.full(len(a), 1 / len(a)), size=resamples) / len(a)
        q = generator.multinomial(len(b), np.full(len(b), 1 / len(b)), size=resamples) / len(b)
        estimates.append(won.mean())
        resampled.append(np.einsum("ri,ij,rj->r", p, won, q, optimize=True))
    return percentile_interval(float(np.mean(estimates)), np.mean(resampled, axis=0), level)
