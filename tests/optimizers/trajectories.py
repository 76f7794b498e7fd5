"""Random games, trajectories on them, and what compares trajectories."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st

from saddlebench.bench.build import build
from saddlebench.bench.contracts.arenas import Arena
from saddlebench.bench.contracts.playing import advance, begin, difference, oracle_of, seeds_of

STEPS = 40
ROUNDING = 1e-12
few = settings(max_examples=12, derandomize=True, deadline=None)
fewer = settings(max_examples=4, derandomize=True, deadline=None)
random_seed = st.integers(0, 10**6)
rate = st.floats(0.01, 0.3)


def optimizer(name, **parameters):
    return build("optimizer", {name: parameters})


def unit(rng, rows, columns):
    """A random matrix with singular values up to 1."""
    matrix = rng.normal(size=(rows, columns))
    return matrix / np.linalg.norm(matrix, 2)


def bilinear(seed):
    rng = np.random.default_rng(seed)
    matrix = unit(rng, *rng.integers(1, 5, size=2))
    return build("game", {"bilinear": {"matrix": matrix.tolist()}})


def linear_quadratic(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 4, size=2)
    p, q = unit(rng, rows, rows), unit(rng, columns, columns)
    parameters = {"p": p @ p.T, "matrix": unit(rng, rows, columns), "q": q @ q.T}
    symmetric = {k: ((m + m.T) / 2 if k != "matrix" else m).tolist() for k, m in parameters.items()}
    return build("game", {"quadratic": symmetric})


GAMES = {"bilinear": bilinear, "linear-quadratic": linear_quadratic, "nonlinear": lambda seed: Arena((1 + seed % 4, 1 + seed % 3))}
any_game = pytest.mark.parametrize("game_of", GAMES.values(), ids=GAMES)


def trajectory(game, method, steps=STEPS):
    """The plays before each step and after the last."""
    plays = [begin(game, method, seeds_of(3))]
    for _ in range(steps):
        plays.append(advance(game, method, plays[-1], 1))
    return plays


def same_trajectory(game, one, other):
    pairs = zip(trajectory(game, one), trajectory(game, other), strict=True)
    return max(difference(a.w, b.w) for a, b in pairs) <= ROUNDING


def follows(game, method, update):
    """Does every step of the method's trajectory equal ``update(point, w)``, the game linearised at w?"""
    plays = trajectory(game, method)
    return max(difference(b.w, update(oracle_of(game, a).at(a.w), a.w)) for a, b in itertools.pairwise(plays)) <= ROUNDING


def inner(a, b):
    return torch.stack([(x * y).sum(-1) for x, y in zip(a, b, strict=True)]).sum(0)


def moved(w, eta, *directions):
    """w − η Σ c d for pairs (c, d)."""
    return tuple(x - eta * sum(c * d[i] for c, d in directions) for i, x in enumerate(w))
