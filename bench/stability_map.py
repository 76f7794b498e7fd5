"""Stability maps: over a grid of hyperparameters of one optimizer on one game, the spectral radius at the equilibrium and what runs
from one start come to.

All points of the grid that differ only in floats are one program: their spectra are taken together
(`saddlebench.bench.batched_spectrum`) and their runs step together on the run axis (`saddlebench.bench.program`).
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from saddlebench.bench.axes import Axis, grid
from saddlebench.bench.batched_spectrum import radii_at_equilibrium
from saddlebench.bench.build import build, name_of, parameters_of
from saddlebench.bench.cells import Pairing
from saddlebench.bench.measuring import Measurer
from saddlebench.bench.program import run_program
from saddlebench.bench.settings import Settings
from saddlebench.bench.stacking import skeleton, stack
from saddlebench.bench.verdict import judge
from saddlebench.errors import InputError
from saddlebench.games.game import Game
from saddlebench.optimizers.optimizer import Optimizer

if TYPE_CHECKING:
    from saddlebench.bench.runner import Progress  # it knows bench.predictions, and what measures must not

_RECORDED = 2**21  # criteria of one program: watched points × runs
_PROFILE = 2**24  # numbers of one program's profile
_EVERY_STEP = 1000  # runs of at most so many steps are watched at every step


def stability_map(
    game: Any,
    optimizer: Any,
    x: Mapping[str, Sequence[float]],
    y: Mapping[str, Sequence[float]] | None = None,
    steps: int = 500,
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
    progress: "Progress | None" = None,
) -> pd.DataFrame:
    """The map of one or two hyperparameters, a row a grid point, x fastest.

    Args:
        game: a name, a name with parameters, a file or an instance, as for `saddlebench.run`.
        optimizer: likewise; its other hyperparameters stay as they are given.
        x: a hyperparameter (named as in `saddlebench.bench.axes`) and rising values: ``{"step_size": np.linspace(0.01, 2, 100)}``.
        y: a second one.
        steps: of every run.
        tolerance: a run has converged at this fraction of its starting distance (or gap).
        seed: of the start, and of a game drawn by seed.
        progress: told what happens.

    Returns:
        Columns: the hyperparameters; ``radius``, the spectral radius at the equilibrium without null directions, NaN where there
        is none, and ``reason``, why; ``raw_radius``, with them; ``period``, the steps it is taken over, and ``rate`` =
        radius^(1/period); ``status``, as `saddlebench.bench.verdict` judges a run; ``steps_to_tolerance``, the first watched step
        at which the tolerance is met, ∞ where none is (up to 1,000 steps every step is watched, of longer runs every n-th);
        ``final_distance``, or ``final_gap`` of a game without a known equilibrium. ``attrs`` says what was mapped.

    Raises:
        InputError: bad input, or a game with neither a distance nor a gap to judge by.
    """
    game, base = build("game", game), build("optimizer", optimizer)
    axes = [Axis.of("x", x)] + ([] if y is None else [Axis.of("y", y)])
    settings = Settings.of(steps=steps, converged=tolerance)
    optimizers = grid(base, axes)
    game.ready()
    groups = _groups(game, optimizers, settings)
    criterion = _criterion(game, seed)
    points = np.array(np.meshgrid(*[axis.values for axis in axes])).reshape(len(axes), -1)
    radii = radii_at_equilibrium(game, optimizers, seed)
    columns: dict[str, Any] = {axis.name: values for axis, values in zip(axes, points, strict=True)}
    columns |= {"radius": radii.transverse, "raw_radius": radii.raw, "period": radii.period, "rate": radii.per_step}
    columns |= {"reason": radii.reasons, **_judged(game, optimizers, groups, settings, seed, criterion, progress)}
    columns["reason"] = columns.pop("reason")  # last: it is long
    frame = pd.DataFrame(columns)
    frame.attrs = {
        "game": name_of(game),
        "game_parameters": parameters_of(game),
        "optimizer": name_of(base),
        "optimizer_parameters": parameters_of(base),
        "axes": [axis.name for axis in axes],
        "steps": steps,
        "tolerance": tolerance,
        "seed": seed,
    }
    return frame


def _groups(game: Game, optimizers: Sequence[Optimizer], settings: Settings) -> list[list[int]]:
    """Which grid points step together.

    Raises:
        InputError: the optimizer does not apply to the game.
    """
    found: dict[Any, list[int]] = {}
    for k, optimizer in enumerate(optimizers):
        found.setdefault(skeleton(optimizer), []).append(k)
    for members in found.values():
        if reason := Pairing(game, optimizers[members[0]], settings).not_applicable:
            raise InputError(reason)
    return list(found.values())


def _criterion(game: Game, seed: int) -> str:
    """What runs are judged by.

    Raises:
        InputError: nothing.
    """
    seeds = torch.tensor([seed])
    if not Measurer(game, seeds, game.initial(seeds)).judged:
        raise InputError(f"{name_of(game)} has neither a known equilibrium nor a gap: a map has nothing to judge its runs by")
    return "gap" if game.equilibrium(seeds) is None else "distance"


def _judged(
    game: Game,
    optimizers: Sequence[Optimizer],
    groups: Sequence[Sequence[int]],
    settings: Settings,
    seed: int,
    criterion: str,
    progress: "Progress | None",
) -> dict[str, Any]:
    """Status, steps to tolerance and final criterion of every grid point."""
    assert settings.steps is not None, "the map has a budget in steps"
    status = np.empty(len(optimizers), dtype=object)
    first, final = np.full(len(optimizers), math.inf), np.empty(len(optimizers))
    every = range(0, settings.steps + 1, math.ceil(settings.steps / _EVERY_STEP))
    watched = dataclasses.replace(settings, checkpoints=tuple(every))
    most = max(1, min(_RECORDED // len(watched.watched_steps()), _PROFILE // sum(game.sizes)))
    for group in groups:
        for begin in range(0, len(group), most):
            members = list(group[begin : begin + most])
            if progress:
                progress.begin(f"{name_of(optimizers[0])} on {name_of(game)}", len(members))
            steps, series = _series(game, [optimizers[k] for k in members], watched, seed, criterion, progress)
            with np.errstate(invalid="ignore"):
                met = series <= settings.converged * series[0]
            first[members] = np.where(met.any(0), steps[met.argmax(0)], math.inf)
            seen = np.isin(steps, settings.watched_steps())  # a verdict is that of a run with the default checkpoints
            seen[-1] = True
            for k, values in zip(members, series[seen].T, strict=True):
                verdict = judge(steps[seen], values, values, settings)
                status[k], final[k] = verdict.status, values[verdict.end]
            if progress:
                progress.done(len(members))
    return {"status": status, "steps_to_tolerance": first, f"final_{criterion}": final}


def _series(
    game: Game, optimizers: list[Optimizer], watched: Settings, seed: int, criterion: str, progress: "Progress | None"
) -> tuple[np.ndarray, np.ndarray]:
    """Watched steps ``(points,)`` and the criterion at each, ``(points, runs)``."""
    seeds = torch.full((len(optimizers),), seed)
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        if progress and share >= told + 0.02:
            told = share
            progress.advance(share)

    history = run_program(game, stack(optimizers, seeds.device), seeds, watched, getattr(torch, game.dtype), on_step=tell)
    return np.array(history.steps), np.concatenate(history.measures["last", criterion])


__all__ = ["stability_map"]
