"""How a run ended, judged from the series of its distance to equilibrium or gap."""

import math
from dataclasses import dataclass

import numpy as np

from saddlebench.bench.settings import Settings

_FEWEST_FOR_A_RATE = 8
_FEWEST_IN_A_QUARTER = 3
_ROUNDING = 1e-11  # of the start: below it a distance is rounding, not convergence


@dataclass(frozen=True)
class Verdict:
    """A status, and the index of the watched point at which the run ended (the last, or where it diverged)."""

    status: str
    end: int


def judge(steps: np.ndarray, criterion: np.ndarray | None, field_norm: np.ndarray, settings: Settings) -> Verdict:
    """The verdict on one run.

    Args:
        steps: ``(points,)``, the watched steps.
        criterion: ``(points,)``, the distance or gap at each; None: the game has neither.
        field_norm: ``(points,)``, judged in the criterion's place for divergence alone.
        settings: the tolerances.

    `converged`: the criterion ends at most at ``converged`` times its start. `diverged`: a value is not finite, or reaches
    ``diverged`` times the start. `cycling`: neither, and the maxima of the last two quarters of the run are within ``cycling``;
    not where the criterion rises or falls without end in them (slow is not cyclic) or they hold too few points to tell.
    `budget`: neither, still growing or shrinking. `completed`: no criterion to judge by.
    """
    watched = field_norm if criterion is None else criterion
    start = watched[0]
    with np.errstate(invalid="ignore"):
        lost = ~np.isfinite(watched) | (watched >= settings.diverged * (start if start > 0 else 1.0))
    if lost.any():
        return Verdict("diverged", int(lost.argmax()))
    last = len(watched) - 1
    if criterion is None:
        return Verdict("completed", last)
    if criterion[-1] <= settings.converged * start:
        return Verdict("converged", last)
    third = criterion[(steps > steps[-1] / 2) & (steps <= steps[-1] * 3 / 4)]
    fourth = criterion[steps > steps[-1] * 3 / 4]
    if min(len(third), len(fourth)) < _FEWEST_IN_A_QUARTER or _monotone(np.concatenate((third, fourth))):
        return Verdict("budget", last)
    if abs(third.max() - fourth.max()) <= settings.cycling * max(third.max(), fourth.max()):
        return Verdict("cycling", last)
    return Verdict("budget", last)


def _monotone(values: np.ndarray) -> bool:
    """Does every value lie above the one before, or every one below?"""
    change = np.diff(values)
    return bool((change > 0).all() or (change < 0).all())


def measured_rate(steps: np.ndarray, criterion: np.ndarray) -> float | None:
    """The factor by which the criterion shrinks a step: exp of the slope of its logarithm over the second half of the run.

    A run that reaches rounding (1e-11 of its start) is cut there first. Complex eigenvalues make the distance oscillate, so the
    slope is a regression over all points, not a ratio of two. None where fewer than eight points remain.
    """
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(criterion) & (criterion > _ROUNDING * criterion[0])
    end = len(usable) if usable.all() else int(np.argmin(usable))
    steps, criterion = steps[:end], criterion[:end]
    if not end:
        return None
    tail = steps >= steps[-1] / 2
    if tail.sum() < _FEWEST_FOR_A_RATE:
        return None
    centred = steps[tail] - steps[tail].mean()
    slope = float(centred @ np.log(criterion[tail])) / float(centred @ centred)
    return math.exp(slope)
