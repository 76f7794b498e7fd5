"""The local rate: the factor by which the step map shrinks a small distance from rest, measured without a derivative.

A few trajectories start from seeded perturbations of the augmented state at rest, orthogonal to one another and to the game's
null directions, and a last one from rest itself. d_t, the root of the summed squares of their distances from the last one, null
directions left out, behaves as ρᵗ: over several directions a rotation hardly makes it oscillate, and no start can miss the leading
mode. They stop where d_t leaves [`LOWEST`, `HIGHEST`] · d_0, within which a smooth step is linear to 1e-3.

With T applications the rate is exp s, s the least-squares slope of log d_t over t ≥ T/2, and its tolerance is rate · (e^τ − 1),

    τ = 6 |s₃ − s₄| + 1/T,

s₃ and s₄ the slopes over the third and fourth quarters: a Jordan block of size m adds (m − 1)/t to the slope and a second mode of
nearly the same modulus some part of 1/t, and both show in s₃ − s₄ or stay below 1/T. With fewer than eight applications (a radius
near 0, or a very large one) the rate is (d_T/d_0)^{1/T} and only its order of magnitude is known.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.spectrum import NoSpectrumError, StepMap

STEPS = 400
LOWEST, HIGHEST = 1e-8, 1e3
_START = 1e-6  # size of a perturbation, relative to the state's largest number where that exceeds 1
_DIRECTIONS = 8
_FEWEST_FOR_A_SLOPE = 8
_ROUNDING = 1e3 * np.finfo(float).eps


@dataclass(frozen=True)
class LocalRate:
    """A measured rate.

    Attributes:
        rate: per application of the step map: a whole period of a cyclic method.
        tolerance: how far the spectral radius may lie from it.
        applications: how many the rate was fitted to.
    """

    rate: float
    tolerance: float
    applications: int


def local_rate(step_map: StepMap, null_directions: Tensor | None = None, seed: int = 0) -> LocalRate:
    """The rate at which a step map at rest draws in, or drives away, what is near.

    Args:
        step_map: at rest (`saddlebench.bench.spectrum.at_rest`), in float64.
        null_directions: the game's, ``(1, k, total size)``.
        seed: of the perturbations.

    Raises:
        NoSpectrumError: there are no directions but null directions, or a trajectory is lost at once.
    """
    return fitted(distances(step_map, null_directions, seed), _floor(step_map))


def distances(step_map: StepMap, null_directions: Tensor | None = None, seed: int = 0) -> np.ndarray:
    """d_t for t = 0, …, T.

    Raises:
        NoSpectrumError: as `local_rate`.
    """
    rest = torch.cat(step_map.parts, -1)
    size = rest.shape[-1]
    null = np.zeros((size, 0)) if null_directions is None else step_map.lift(null_directions)[0]
    count = min(_DIRECTIONS, size - null.shape[1])
    if not count:
        raise NoSpectrumError("there is no direction but the game's null directions")
    drawn = np.random.default_rng(seed).normal(size=(size, count))
    directions = np.linalg.qr(drawn - null @ (null.T @ drawn))[0]
    start = _START * max(1.0, float(rest.abs().max()))
    perturbed = rest + start * torch.from_numpy(directions.T.copy()).to(rest)
    sizes = [x.shape[-1] for x in step_map.parts]
    parts = list(torch.cat((perturbed, rest)).split(sizes, -1))
    leaving_out = torch.from_numpy(null).to(rest)

    def distance() -> float:
        every = torch.cat(parts, -1)
        apart = every[:-1] - every[-1:]
        return float((apart - (apart @ leaving_out) @ leaving_out.mT).norm())

    found, lowest = [distance()], max(_floor(step_map), LOWEST * start)
    for _ in range(max(1, STEPS // step_map.optimizer.period)):
        parts = [x.detach() for x in step_map.apply(parts)]
        now = distance()
        if not math.isfinite(now):
            break
        found.append(now)
        if not lowest <= now <= HIGHEST * found[0]:
            break
    if len(found) < 2:
        raise NoSpectrumError("a trajectory from next to the equilibrium is lost at the first step")
    return np.array(found)


def _floor(step_map: StepMap) -> float:
    """A distance below which there is nothing but rounding."""
    return _ROUNDING * float(torch.cat(step_map.parts, -1).abs().max())


def fitted(found: np.ndarray, floor: float) -> LocalRate:
    """The rate of distances d_0, …, d_T, of which those below ``floor`` or below `LOWEST` d_0 are no more than an upper bound."""
    floor = max(floor, LOWEST * float(found[0]))
    if len(found) > _FEWEST_FOR_A_SLOPE and found[-1] < floor / 10:
        found = found[:-1]  # rounding, if not zero
    last = len(found) - 1
    if last < _FEWEST_FOR_A_SLOPE:
        rate = (float(found[-1]) / float(found[0])) ** (1 / last)
        unseen = (floor / float(found[0])) ** (1 / last) if found[-1] <= floor else 0.0
        return LocalRate(rate, max(rate * math.expm1(3 / last), rate, unseen), last)
    t, logarithms = np.arange(last + 1), np.log(found)

    def slope(low: float, high: float) -> float:
        part = (t >= low) & (t <= high)
        centred = t[part] - t[part].mean()
        return float(centred @ logarithms[part]) / float(centred @ centred)

    bend = abs(slope(last / 2, 3 * last / 4) - slope(3 * last / 4, last))
    rate = math.exp(slope(last / 2, last))
    return LocalRate(rate, rate * math.expm1(6 * bend + 1 / last), last)
