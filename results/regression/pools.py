"""Tests of what moved, pooled per optimizer and family of games, with the false-discovery rate controlled over the pools.

Ten pairs in one cell reach no smaller p than 2⁻¹⁰, so correcting over hundreds of cells could never fire: the pairs of one
optimizer are pooled over the games of a family. Numbers are paired by cell (game, parameters, seed, budget), tests one-sided:

    worse by a factor    Wilcoxon's signed-rank test of log(new / baseline), exact; a run that no longer reaches
                         its targets counts as +∞, which ranks can carry
    lost successes       McNemar's exact test: of b lost and c gained, P(Binomial(b + c, ½) ≥ b)

The adjusted p of Benjamini & Hochberg (1995) at most `LEVEL` is a finding. All pools of a comparison are one family of tests, so
where nothing has changed an alarm is raised with a probability of at most `LEVEL`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binom

from saddlebench.results.statistics.aggregates import median
from saddlebench.results.statistics.testing import benjamini_hochberg, mcnemar, wilcoxon

LEVEL = 0.01
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Pool:
    """One test.

    Attributes:
        kind: ``"cost"``, ``"success"`` or ``"time"``.
        optimizer: its name.
        family: of games.
        pairs: how many.
        p: one-sided.
        ratio: median of new over baseline; of successes None.
        low: lower end of its distribution-free 95 % interval, from order statistics; −∞ or 0 where the pairs are too few for one.
        high: upper end.
        detail: in words.
        adjusted: p after `adjust`.
    """

    kind: str
    optimizer: str
    family: str
    pairs: int
    p: float
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    detail: str = ""
    adjusted: float = 1.0


def worse(kind: str, optimizer: str, family: str, log_ratios: np.ndarray, margin: float = 1.0) -> Pool:
    """Is new over baseline more than ``margin``, of pairs whose logarithms are given (±∞ allowed)?

    Args:
        kind: of the pool.
        optimizer: of the pool.
        family: of the pool.
        log_ratios: ``(pairs,)``, without NaN.
        margin: the factor that is tolerated.
    """
    p = wilcoxon(log_ratios - np.log(margin))
    low, high = median_interval(log_ratios)
    ratio = float(np.exp(median(log_ratios)))
    return Pool(kind, optimizer, family, len(log_ratios), p, ratio, float(np.exp(low)), float(np.exp(high)))


def lost(optimizer: str, family: str, before: Sequence[bool], after: Sequence[bool]) -> Pool:
    """Were successes lost? McNemar's exact test, one-sided."""
    old, new = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    b, c = int((old & ~new).sum()), int((~old & new).sum())
    told = f"{int(old.sum())} → {int(new.sum())} of {len(old)} succeed"
    return Pool("success", optimizer, family, len(old), mcnemar(b, c), detail=told)


def adjust(pools: Iterable[Pool]) -> list[Pool]:
    """The pools with adjusted p (Benjamini & Hochberg), the smallest first."""
    given = sorted(pools, key=lambda pool: pool.p)
    adjusted = benjamini_hochberg(np.array([pool.p for pool in given]))
    return [replace(pool, adjusted=float(p)) for pool, p in zip(given, adjusted, strict=True)]


def median_interval(values: np.ndarray) -> tuple[float, float]:
    """The order statistics between which the median of the distribution lies with at least 95 % confidence; else ∓∞.

    x_(k) … x_(n+1−k) with the largest k for which P(Binomial(n, ½) < k) ≤ 2.5 %.
    """
    ordered = np.sort(values)
    k = int(binom.ppf((1 - _CONFIDENCE) / 2, len(ordered), 0.5))
    return (-np.inf, np.inf) if k < 1 else (float(ordered[k - 1]), float(ordered[len(ordered) - k]))
