"""Quasi-random trials of an optimizer's search space.

The points are those of one scrambled Sobol sequence in [0, 1)^d, d the number of searched numbers, its scrambling fixed: the same
request draws the same trials, and more trials begin with the fewer ones.
"""

from collections.abc import Mapping
from typing import Any

from scipy.stats import qmc

from saddlebench.bench.build import checked
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.optimizers.search import Path, Spec, ranges, replaced, space_of, value_at

_SCRAMBLING = 2017


def searched(optimizer: Optimizer, given: Mapping[str, Any]) -> dict[Path, Spec]:
    """The optimizer's search space without the parameters that the user has given.

    Args:
        optimizer: as built from ``given``.
        given: parameters as a spec has them; a part (``{"rule": {"adam": {"betas": …}}}``) fixes what it names within the part.
    """
    fixed = _paths(optimizer, given)
    return {path: spec for path, spec in space_of(optimizer).items() if path not in fixed}


def trials(optimizer: Optimizer, space: Mapping[Path, Spec], count: int) -> list[Optimizer]:
    """The first ``count`` trials.

    Args:
        optimizer: has the values of all that is not searched.
        space: what is searched.
        count: how many.
    """
    dimension = sum(1 for spec in space.values() for _ in ranges(spec))
    # Whole powers of two, as the sequence is made, so that a prefix is a prefix whatever the count.
    points = qmc.Sobol(dimension, scramble=True, rng=_SCRAMBLING).random_base2((count - 1).bit_length())[:count]
    found = []
    for point in points.tolist():
        u = iter(point)
        found.append(checked("optimizer", replaced(optimizer, {path: value_at(spec, u) for path, spec in space.items()})))
    return found


def _paths(instance: Any, given: Mapping[str, Any]) -> set[Path]:
    found: set[Path] = set()
    for name, value in given.items():
        part = getattr(instance, name)
        if not hasattr(part, "__dataclass_fields__"):
            found.add((name,))
        elif isinstance(value, Mapping):
            found |= {(name, *path) for inner in value.values() for path in _paths(part, inner or {})}
    return found
