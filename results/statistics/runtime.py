"""What it costs to get there: average runtime, ECDF over targets, performance profiles."""

from collections.abc import Hashable, Mapping

import numpy as np

from saddlebench.errors import InputError, unknown


def average_runtime(spent: np.ndarray, solved: np.ndarray) -> np.ndarray:
    """The cost of all runs over the number of those that got there, along the last axis: what restarts cost until one succeeds.

    Args:
        spent: the cost to the target of a run that reached it, and all it spent of one that did not; shape (…, runs).
        solved: whether it reached it, the same shape.

    Returns:
        Shape (…); infinite where none did, NaN without runs (Hansen et al., "COCO: performance assessment", 2016).
    """
    cost, got = np.asarray(spent, dtype=float), np.asarray(solved, dtype=bool)
    if not cost.shape[-1]:
        return np.full(cost.shape[:-1], np.nan)
    successes = got.sum(axis=-1)
    return np.where(successes > 0, cost.sum(axis=-1) / np.maximum(successes, 1), np.inf)


def ecdf(costs: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The share of (run, target) pairs that are reached at no more than each cost in ``at``.

    Args:
        costs: of all pairs; infinite ones were never reached and keep the curve below 1.
        at: where the curve is wanted.
    """
    ordered = np.sort(np.asarray(costs, dtype=float).ravel())
    if not ordered.size:
        return np.full(np.shape(at), np.nan)
    return np.searchsorted(ordered[np.isfinite(ordered)], at, side="right") / ordered.size


def performance_profiles(costs: Mapping[Hashable, np.ndarray], reference: Hashable, at: np.ndarray) -> dict[Hashable, np.ndarray]:
    """Of each solver the share of problems that it solves within each factor of the reference's cost.

    ρ_s(τ) = |{p : t_ps ≤ τ t_p,ref}| / |problems|: Dolan and Moré's profile (Math. Program. 91, 2002), with a pinned solver in
    place of the best of those compared, so that a curve does not move when another solver joins. A problem that the reference does
    not solve counts at every τ for those who do; one that the solver does not solve never counts.

    Args:
        costs: solver → cost of each problem, in one order; infinite where it was not solved.
        reference: one of the solvers; its own curve jumps at 1 to the share it solves.
        at: the factors τ.

    Raises:
        InputError: the reference is no solver, there is no problem, solvers differ in their number, or a cost is negative or NaN.
    """
    if reference not in costs:
        raise unknown("reference", str(reference), [str(name) for name in costs])
    table = {name: np.asarray(values, dtype=float) for name, values in costs.items()}
    pinned = table[reference]
    for name, values in table.items():
        if values.shape != pinned.shape or not values.size or not (values >= 0).all():
            raise InputError(f"costs of {name}: a number ≥ 0, or infinity, for each of {pinned.size} problems")
    factors = np.asarray(at, dtype=float)
    found = {}
    for name, values in table.items():
        solved = np.isfinite(values)
        # 0/0 is 1: as fast as the reference. x/0 is a factor that no τ reaches, x/∞ one that every τ does.
        ratio = np.full(values.shape, np.inf)
        np.divide(values, pinned, out=ratio, where=solved & (pinned > 0))
        ratio[solved & (values == 0) & (pinned == 0)] = 1.0
        found[name] = np.searchsorted(np.sort(ratio[solved]), factors, side="right") / values.size
    return found
