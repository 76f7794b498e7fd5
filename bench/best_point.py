"""The best hyperparameters of a stability map, and a refinement of them between the points of the grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from saddlebench.bench.axes import is_whole, placed
from saddlebench.bench.build import build
from saddlebench.bench.spectrum import NoSpectrumError, at_equilibrium
from saddlebench.errors import InputError
from saddlebench.optimizers.optimizer import Optimizer

_WORST = 1e300  # a rate where there is none: the search compares, and infinities have no mean
_RESTARTS = 6  # the largest of several moduli has kinks, on which a simplex collapses: begin anew from where it did
_IMPROVEMENT = 1e-6


@dataclass(frozen=True)
class Refined:
    """Hyperparameter → value, the spectral radius there, and its per-step rate."""

    values: dict[str, float]
    radius: float
    rate: float


def best_on_grid(frame: pd.DataFrame) -> dict[str, Any]:
    """The row with the smallest rate; of a map without spectra the one soonest at the tolerance, then nearest in the end."""
    rate = frame["rate"].to_numpy(dtype=float)
    if not np.isnan(rate).all():
        return rows_of(frame)[int(np.nanargmin(rate))]
    final = next(c for c in frame.columns if c.startswith("final_"))
    return rows_of(frame.sort_values(["steps_to_tolerance", final], kind="stable").head(1))[0]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A mapping a row."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def refined(game: Any, optimizer: Any, frame: pd.DataFrame) -> Refined | None:
    """The smallest rate near the best point of the grid, by Nelder and Mead's simplex search within the grid's ranges.

    Parameters that take whole numbers keep the grid's value. None: the map has no spectra.

    Args:
        game: as the map was made.
        optimizer: likewise.
        frame: the map.
    """
    start = best_on_grid(frame)
    if np.isnan(start["rate"]):
        return None
    game, base = build("game", game), build("optimizer", optimizer)
    names: list[str] = frame.attrs["axes"]
    best = {name: float(start[name]) for name in names}
    seed = int(frame.attrs["seed"])
    axes = {name: np.unique(frame[name].to_numpy(dtype=float)) for name in names if not is_whole(base, name)}
    free = [name for name, axis in axes.items() if len(axis) > 1]

    def rate(values: Sequence[float]) -> float:
        try:
            return at_equilibrium(game, _at(base, best | dict(zip(free, values, strict=True))), seed).radius_per_step
        except (InputError, NoSpectrumError):
            return _WORST

    spacing = np.array([np.diff(axes[name]).min() for name in free])
    bounds = [(axes[name][0], axes[name][-1]) for name in free]
    at, found = np.array([best[name] for name in free]), float(start["rate"])
    for _ in range(_RESTARTS if free else 0):
        inward = np.where(at + spacing <= [high for _, high in bounds], spacing, -spacing)
        simplex = np.vstack([at, at + np.diag(inward)])
        options = {"initial_simplex": simplex, "xatol": 1e-9, "fatol": 1e-10, "maxiter": 150}
        search = minimize(rate, at, method="Nelder-Mead", bounds=bounds, options=options)
        gain = found - search.fun
        if gain > 0:
            at, found = search.x, float(search.fun)
        if gain < _IMPROVEMENT:
            break
        spacing = spacing / 10
    best |= {name: float(value) for name, value in zip(free, at, strict=True)}
    return Refined(best, at_equilibrium(game, _at(base, best), seed).radius_transverse, found)


def _at(optimizer: Optimizer, values: dict[str, float]) -> Optimizer:
    for name, value in values.items():
        optimizer = placed(optimizer, name, value)
    return optimizer
