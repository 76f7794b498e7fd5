"""Intervals: Wilson's for a share, the percentile bootstrap, stratified, for everything else."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from saddlebench.errors import InputError

RESAMPLES = 2000
LEVEL = 0.95

Statistic = Callable[[np.ndarray], np.ndarray]
"""Reduces the last axis, as ``np.median(values, axis=-1)`` does."""


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval."""

    estimate: float
    low: float
    high: float


def wilson(successes: int, runs: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval of a success rate p = successes/runs (J. Amer. Statist. Assoc. 22, 1927).

    ( p + z²/2n ± z √( p(1−p)/n + z²/4n² ) ) / (1 + z²/n), with z the normal quantile of (1 + level)/2. It stays within [0, 1] and
    has width at 0 and n successes, where p ± z√(p(1−p)/n) has none. Without runs everything is NaN.

    Raises:
        InputError: successes are no number between 0 and runs, or the level is none between 0 and 1.
    """
    _check_level(level)
    if not 0 <= successes <= runs:
        raise InputError(f"{successes} successes of {runs} runs")
    if not runs:
        return Interval(math.nan, math.nan, math.nan)
    p, z = successes / runs, float(ndtri((1 + level) / 2))
    middle, half = p + z * z / (2 * runs), z * math.sqrt(p * (1 - p) / runs + (z / (2 * runs)) ** 2)
    low, high = ((middle + sign * half) / (1 + z * z / runs) for sign in (-1, 1))
    return Interval(p, 0.0 if successes == 0 else low, 1.0 if successes == runs else high)


def stratified_bootstrap(
    strata: Sequence[np.ndarray],
    statistic: Statistic,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """A statistic of pooled runs with its percentile bootstrap interval; every stratum (a game) keeps its number of runs.

    In each resample every stratum's runs are drawn anew with replacement, all are pooled, and the statistic is taken (Agarwal et
    al., NeurIPS 2021, §4.2). The ends are order statistics, never interpolated, so that infinite ones stay infinite.

    Args:
        strata: the runs of each, shape (runs,), or (…, runs) where the statistic sees several numbers a run.
        statistic: of shape (…, runs) → (…); of the resamples it is asked at once, with a leading axis.
        generator: where random numbers come from.
        resamples: how many.
        level: of confidence.

    Raises:
        InputError: there are no runs, or the level is none between 0 and 1.
    """
    _check_level(level)
    kept = [np.asarray(values, dtype=float) for values in strata if np.shape(values)[-1]]
    if not kept:
        raise InputError("a bootstrap of no runs")
    drawn = [np.moveaxis(v[..., generator.integers(v.shape[-1], size=(resamples, v.shape[-1]))], -2, 0) for v in kept]
    estimate = float(statistic(np.concatenate(kept, axis=-1)))
    return percentile_interval(estimate, statistic(np.concatenate(drawn, axis=-1)), level)


def percentile_interval(estimate: float, resampled: np.ndarray, level: float = LEVEL) -> Interval:
    """The estimate between the (1 ∓ level)/2 quantiles of its resamples, order statistics on the outer side."""
    tail = (1 - level) / 2
    low, high = np.quantile(resampled, tail, method="lower"), np.quantile(resampled, 1 - tail, method="higher")
    return Interval(estimate, float(low), float(high))


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"a level of confidence of {level:g}: it lies between 0 and 1")
