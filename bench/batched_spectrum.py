"""Spectral radii of many hyperparameter settings of one optimizer class, in one batched program.

Settings that differ only in floats are stacked on the run axis (`saddlebench.bench.stacking`). The unit vectors stand there too:
with n unknowns and R settings one vector–Jacobian product of nR runs gives all R Jacobians, one batched solve their eigenvalues.
Each answer is that of `saddlebench.bench.spectrum.at_equilibrium`; a setting that has no spectrum costs the others nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.build import build, build_all
from saddlebench.bench.spectrum import DENSE_LIMIT, LEAK, NoSpectrumError, StepMap, at_equilibrium, refusal, settled
from saddlebench.bench.stacking import skeleton, stack
from saddlebench.bench.trees import map_tensors
from saddlebench.games.game import Game
from saddlebench.optimizers.optimizer import Optimizer

_NUMBERS = 2**22  # of a batch's Jacobians; a graph of the step holds some ten times as many


@dataclass(frozen=True)
class Radii:
    """Spectral radii at the equilibrium, an entry a setting, in the order given.

    Attributes:
        transverse: ``(settings,)``, the largest modulus without the game's null directions; NaN: there is no spectrum.
        raw: ``(settings,)``, with them.
        period: ``(settings,)``, steps in one application of the step map.
        reasons: why a setting has no spectrum; None where it has.
    """

    transverse: np.ndarray
    raw: np.ndarray
    period: np.ndarray
    reasons: list[str | None]

    @property
    def per_step(self) -> np.ndarray:
        """ρ^{1/k} of a method with period k, from the transverse radius."""
        return self.transverse ** (1 / self.period)


def spectral_radii(game: Any, optimizers: Any, seed: int = 0) -> np.ndarray:
    """The spectral radii of many optimizers at one game's equilibrium, its null directions left out, in one program.

    Args:
        game: a name, a name with parameters, a file or an instance, as for `saddlebench.run`.
        optimizers: likewise, or a list of those; sweeps stand for their values.
        seed: of a game that is itself drawn by seed.

    Returns:
        ``(optimizers,)``: `saddlebench.spectral_radius` of each, NaN where there is none.

    Raises:
        InputError: bad input, or several games.
    """
    return radii_at_equilibrium(build("game", game), build_all("optimizer", optimizers), seed).transverse


def radii_at_equilibrium(game: Game, optimizers: Sequence[Optimizer], seed: int = 0) -> Radii:
    """The spectral radii of every optimizer's step at the game's known equilibrium, in float64.

    Args:
        game: the game.
        optimizers: any; those that differ only in floats are solved together.
        seed: of a game that is itself drawn by seed.
    """
    found = Radii(
        np.full(len(optimizers), np.nan),
        np.full(len(optimizers), np.nan),
        np.array([optimizer.period for optimizer in optimizers], dtype=int),
        [refusal(game, optimizer, at_equilibrium=True) for optimizer in optimizers],
    )
    groups: dict[object, list[int]] = {}
    for k, optimizer in enumerate(optimizers):
        if found.reasons[k] is None:
            groups.setdefault(skeleton(optimizer), []).append(k)
    for members in groups.values():
        _fill(found, game, optimizers, members, seed)
    return found


def _fill(found: Radii, game: Game, optimizers: Sequence[Optimizer], members: list[int], seed: int) -> None:
    """Enter the radii of ``members``; a batch of which one fails is halved until the culprit stands alone."""
    try:
        answer = _together(game, [optimizers[k] for k in members], seed)
    except NoSpectrumError as error:
        if len(members) == 1:
            found.reasons[members[0]] = str(error)
            return
        answer = None
    if answer is not None:
        found.transverse[members], found.raw[members] = answer
        return
    middle = len(members) // 2
    _fill(found, game, optimizers, members[:middle], seed)
    _fill(found, game, optimizers, members[middle:], seed)


def _together(game: Game, optimizers: list[Optimizer], seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Transverse and raw radii of optimizers with one skeleton; None: too many for one batch.

    Raises:
        NoSpectrumError: one of them has none, or no equilibrium is known.
    """
    runs = len(optimizers)
    seeds = torch.full((runs,), seed)
    w = game.equilibrium(seeds)
    if w is None or runs == 1:  # one alone may be large, and it knows all reasons
        spectrum = at_equilibrium(game, optimizers[0], seed)
        return np.array([spectrum.radius_transverse]), np.array([spectrum.radius])
    buffers = game.buffers(w, seeds)
    stacked = stack(optimizers, seeds.device)
    step_map = StepMap(game, stacked, seeds, 0, buffers, w, settled(game, stacked, seeds, buffers, w))
    size = step_map.unknowns
    if size > DENSE_LIMIT or runs * size**2 > _NUMBERS:
        return None
    matrices = _jacobians(step_map, optimizers)
    raw = _moduli(matrices)
    directions = game.null_directions(seeds)
    return (raw if directions is None else _transverse(step_map, matrices, directions)), raw


def _jacobians(step_map: StepMap, optimizers: list[Optimizer]) -> np.ndarray:
    """M of every run, ``(runs, n, n)``: n copies of all runs, a unit vector a copy."""
    runs, size = len(optimizers), step_map.unknowns

    def copies(x: Tensor) -> Tensor:
        return x.repeat(size, *(1,) * (x.dim() - 1)) if x.dim() else x

    many = StepMap(
        step_map.game,
        stack(optimizers * size, step_map.seeds.device),
        copies(step_map.seeds),
        step_map.step,
        map_tensors(copies, step_map.buffers),
        tuple(copies(x) for x in step_map.w),
        map_tensors(copies, step_map.state),
    )
    unit = torch.eye(size, dtype=step_map.w[0].dtype).repeat_interleave(runs, 0)
    rows = many.transposed_products(unit)
    return rows.double().view(size, runs, size).transpose(0, 1).numpy()


def _transverse(step_map: StepMap, matrices: np.ndarray, directions: Tensor) -> np.ndarray:
    """The largest modulus on the complement of the null directions, as `StepMap` has it for one run.

    Raises:
        NoSpectrumError: a step does not keep them.
    """
    null = step_map.lift(directions)
    rest = np.linalg.qr(null, mode="complete")[0][..., null.shape[-1] :]
    onto = rest.swapaxes(1, 2)
    leak = float(np.abs(onto @ matrices @ null).max(initial=0.0))
    if leak > LEAK:
        raise NoSpectrumError(f"the declared null directions are not invariant under the step (leak {leak:.2g})")
    return _moduli(onto @ matrices @ rest)


def _moduli(matrices: np.ndarray) -> np.ndarray:
    """max|λ| of every matrix, ``(runs,)``; 0 of empty ones."""
    return np.abs(np.linalg.eigvals(matrices)).max(-1, initial=0.0)


__all__ = ["Radii", "radii_at_equilibrium", "spectral_radii"]
