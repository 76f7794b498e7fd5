"""Tests of what moved: Wilcoxon's for paired runs, McNemar's for lost successes, both exact, and false-discovery control."""

import numpy as np
from scipy.stats import binom, false_discovery_control, norm, rankdata

from saddlebench.errors import InputError

_EXACT = 1000  # pairs, up to which the null distribution is enumerated


def wilcoxon(differences: np.ndarray) -> float:
    """One-sided p-value of Wilcoxon's signed-rank test that paired differences (new − old) tend to be positive.

    The null distribution given the ranks, ties and all: each of the n differences is positive with probability ½, so that the sum
    of positive ranks has the distribution of Σ bᵢ rᵢ, computed by convolution up to 1,000 pairs (of the normal approximation with
    the tie-corrected variance Σ rᵢ²/4 beyond). Zeros are left out, as Wilcoxon does; an infinite difference, a success lost or won,
    has the largest rank. Two infinite runs do not differ: hand over 0, not ∞ − ∞.

    Returns:
        P(sum of positive ranks ≥ the one seen); 1 where nothing differs.

    Raises:
        InputError: a difference is NaN.
    """
    d = np.asarray(differences, dtype=float)
    if np.isnan(d).any():
        raise InputError("a paired difference is NaN: of two runs that never got there it is 0")
    d = d[d != 0]
    if not d.size:
        return 1.0
    twice = np.rint(2 * rankdata(abs(d))).astype(int)  # ranks of ties are halves
    seen = int(twice[d > 0].sum())
    if d.size > _EXACT:
        spread = np.sqrt((twice.astype(float) ** 2).sum() / 4)
        return float(norm.sf((seen - 1 - twice.sum() / 2) / spread))  # sums lie 2 apart: half a step back
    mass = np.zeros(twice.sum() + 1)
    mass[0] = 1.0
    top = 0
    for rank in twice:
        mass[rank : top + rank + 1] += mass[: top + 1].copy()
        mass[: top + rank + 1] /= 2
        top += rank
    return float(min(1.0, mass[seen:].sum()))


def mcnemar(lost: int, won: int, two_sided: bool = False) -> float:
    """Exact p-value of McNemar's test of paired successes: only pairs that changed count, and each is lost with probability ½.

    Args:
        lost: pairs that succeeded before and fail now.
        won: pairs that failed before and succeed now.
        two_sided: whether a change is looked for, not a loss.

    Returns:
        P(X ≥ lost), X ~ Binomial(lost + won, ½); two-sided twice the smaller tail, at most 1.

    Raises:
        InputError: a count is negative.
    """
    if min(lost, won) < 0:
        raise InputError(f"{lost} lost and {won} won: counts are not negative")
    if two_sided:
        return float(min(1.0, 2 * binom.cdf(min(lost, won), lost + won, 0.5)))
    return float(binom.sf(lost - 1, lost + won, 0.5))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """p-values adjusted so that rejecting those ≤ q keeps the false-discovery rate at q (Benjamini and Hochberg 1995).

    Of the k-th smallest of m: min over j ≥ k of m p₍ⱼ₎ / j, at most 1. In the order given.

    Raises:
        InputError: one is no number between 0 and 1.
    """
    values = np.asarray(p, dtype=float)
    if not ((values >= 0) & (values <= 1)).all():
        raise InputError("p-values lie between 0 and 1")
    return np.asarray(false_discovery_control(values, method="bh")) if values.size else values.copy()
