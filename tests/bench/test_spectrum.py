"""Measured spectra against closed forms. Neither side imports the other: they can agree only by being right."""

import json
import zlib
from dataclasses import fields

import numpy as np
import pytest
import torch

from saddlebench.bench import spectrum
from saddlebench.bench.build import build, parameters_of
from saddlebench.bench.spectrum import NoSpectrumError, at_equilibrium
from saddlebench.optimizers import OPTIMIZERS
from saddlebench.results.theory import NoClosedForm, predicted_radius, predicted_spectrum

POINTS = 5  # random parameter points of each pair


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def radius(game, optimizer):
    return at_equilibrium(build("game", game), build("optimizer", optimizer)).radius_transverse


# Random parameters, by the parameter's name, so that a new optimizer is measured by being in the catalogue.


def one_or_pair(low, high):
    return lambda rng: rng.uniform(low, high, size=2).tolist() if rng.integers(2) else rng.uniform(low, high)


HYPERPARAMETERS = {
    "step_size": one_or_pair(0.02, 0.4),
    "extrapolation_step": one_or_pair(0.02, 0.4),
    "momentum": one_or_pair(-0.7, 0.7),
    "gamma": lambda rng: rng.uniform(0.05, 0.8),
    "optimism": lambda rng: rng.uniform(0.2, 1.5),
    "schedule": lambda rng: [[0, 1], [1, 0], [1, 1, 0], [0, 1, 1, 1]][rng.integers(4)],
    "start": lambda rng: ["zero", "gradient"][rng.integers(2)],
    "alternating": lambda rng: bool(rng.integers(2)),
}


def matrix(rng, rows, columns, scale=1.0):
    return (scale * rng.normal(size=(rows, columns))).tolist()


def monotone(rng):
    """P = pI, Q = qI: every method has a closed form there."""
    rows, columns = rng.integers(1, 4, size=2)
    p, q = rng.uniform(0.05, 1, size=2) if rng.integers(2) else (0.3, 0.3)
    return {"p": (p * np.eye(rows)).tolist(), "matrix": matrix(rng, rows, columns, 0.7), "q": (q * np.eye(columns)).tolist()}


GAMES = {
    "bilinear, square": ("bilinear", lambda rng: {"matrix": matrix(rng, 3, 3, 0.6)}),
    "bilinear, wide": ("bilinear", lambda rng: {"matrix": matrix(rng, 2, 4, 0.6), "b": rng.normal(size=2).tolist()}),
    "bilinear, tall": ("bilinear", lambda rng: {"matrix": matrix(rng, 3, 1)}),
    "bilinear, drawn": ("bilinear", lambda rng: {"shape": [4, 3], "condition_number": rng.uniform(1, 20)}),
    "quadratic": ("quadratic", monotone),
    "dirac-gan": ("dirac-gan", lambda rng: {"loss": ["minimax", "wasserstein", "non-saturating"][rng.integers(3)]}),
    "dirac-gan with noise": ("dirac-gan", lambda rng: {"instance_noise": rng.uniform(0.1, 1.5)}),
    "dirac-gan with r1": ("dirac-gan", lambda rng: {"r1": rng.uniform(0.1, 1.5)}),
    "dirac-gan with its data off 0": ("dirac-gan", lambda rng: {"target": rng.normal(), "clip": rng.integers(2) / 2}),
    "dirac-gan of WGAN": ("dirac-gan", lambda rng: {"loss": "wasserstein", "target": -2.0, "clip": 1.0}),
    "rock-paper-scissors": ("rock-paper-scissors", lambda rng: {}),
    "four-player": ("four-player", lambda rng: {"epsilon": rng.uniform(0, 0.5)}),
    "weak-attractor": ("weak-attractor", lambda rng: {"attraction": rng.uniform(0.1, 1.5), "rotation": rng.uniform(-2, 2)}),
    "weak-repellor": ("weak-repellor", lambda rng: {"epsilon": rng.uniform(0.05, 0.8)}),
    "consensus-failure": ("consensus-failure", lambda rng: {"kappa": rng.uniform(0.2, 2)}),
    "ridge": ("ridge", lambda rng: {"function": ["f1", "f2", "f3", "sine"][rng.integers(4)]}),
    "almost-bilinear": ("almost-bilinear", lambda rng: {"epsilon": rng.uniform(0.05, 0.8)}),
    "forsaken": ("forsaken", lambda rng: {"box": bool(rng.integers(2))}),
    "gaussian-mean-gan": ("gaussian-mean-gan", lambda rng: {"mean": rng.normal(size=rng.integers(1, 4)).tolist()}),
    "covariance-gan": ("covariance-gan", lambda rng: {"covariance": [[rng.uniform(0.2, 2)]], "penalty": rng.uniform(0, 1)}),
    "rock-paper-scissors in logits": ("rock-paper-scissors", lambda rng: {"form": "softmax"}),
}

DEFECTIVE = {"ridge"}  # f1, f2 and f3 have a double eigenvalue with one eigenvector: it moves by the root of a rounding


def points(optimizer, game):
    """Random instances of a pair."""
    rng = np.random.default_rng(zlib.crc32(f"{optimizer} {game}".encode()))
    name, draw = GAMES[game]
    known = {f.name for f in fields(OPTIMIZERS[optimizer])}
    for _ in range(POINTS):
        chosen = {key: value(rng) for key, value in HYPERPARAMETERS.items() if key in known}
        yield build("game", {name: draw(rng)}), build("optimizer", {optimizer: chosen})


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_measured_radius_is_the_predicted_one(optimizer, game):
    for played, method in points(optimizer, game):
        cell = (played.name, parameters_of(played), optimizer, parameters_of(method))
        reason = spectrum.refusal(played, method, at_equilibrium=True)
        if reason:
            assert len(reason.split()) >= 4
            with pytest.raises(NoSpectrumError) as refused:
                at_equilibrium(played, method)
            assert str(refused.value) == reason
            continue
        predicted = predicted_radius(*cell)
        if predicted is None:
            with pytest.raises(NoClosedForm, match=r"\w+ \w+ \w+"):
                predicted_spectrum(*cell)
            continue
        tolerance = 1e-6 if game in DEFECTIVE else 1e-8
        assert at_equilibrium(played, method).radius_transverse == pytest.approx(predicted, rel=tolerance), cell


def test_most_pairs_are_compared():
    """Refusals and missing closed forms are exceptions: each optimizer that theory knows is compared on some game."""
    compared = {
        name
        for name in OPTIMIZERS
        for game in GAMES
        for played, method in points(name, game)
        if not spectrum.refusal(played, method, True)
        and predicted_radius(played.name, parameters_of(played), name, parameters_of(method)) is not None
    }
    singular = {name for name in OPTIMIZERS if build("optimizer", name).singular_at_rest}
    assert len(compared) >= 14
    assert len(compared) >= 0.6 * len(set(OPTIMIZERS) - singular)
    assert not compared & singular


# Edges of stability and optima: closed numbers, some at multiple roots, which no eigenvalue solver finds to full precision.
XY, MATRIX = "bilinear", {"bilinear": {"matrix": [[0.5, 0.0], [0.0, 2.0]]}}
STRONG = {"quadratic": {"p": [[1.0]], "matrix": [[2.0]], "q": [[1.0]]}}
ROOT5, ROOT3 = 5**0.5, 3**0.5
EDGES = {
    "alternating at its edge, defective": (XY, {"alternating-gradient": {"step_size": 2.0}}, 1.0, 1e-6),
    "alternating beyond it": (XY, {"alternating-gradient": {"step_size": 2.5}}, 4.0, 1e-10),
    "alternating inside it": (XY, {"alternating-gradient": {"step_size": 1.9}}, 1.0, 1e-12),
    "extragradient at its edge": (XY, {"extragradient": {"step_size": 1.0}}, 1.0, 1e-12),
    "extragradient at its optimum": (XY, {"extragradient": {"step_size": 0.5**0.5}}, ROOT3 / 2, 1e-12),
    "extragradient at the optimum of a range": (
        MATRIX,
        {"extragradient": {"step_size": 4.25**-0.5}},
        (1 - 1 / 4.25**2) ** 0.5,
        1e-12,
    ),
    "optimistic at its edge": (XY, {"optimistic-gradient": {"step_size": 1 / ROOT3}}, 1.0, 1e-12),
    "optimistic at its optimum, a double root": (XY, {"optimistic-gradient": {"step_size": 0.5}}, 0.5**0.5, 1e-6),
    "past extragradient at its optimum": (XY, {"past-extragradient": {"step_size": 0.5}}, 0.5**0.5, 1e-6),
    "consensus at its optimum": (XY, {"consensus": {"step_size": 0.5, "gamma": 1.0}}, 0.5**0.5, 1e-12),
    "alternating heavy ball at its edge": (XY, {"alternating-heavy-ball": {"step_size": 1.0, "momentum": -0.5}}, 1.0, 1e-6),
    "alternating heavy ball at a triple root": (
        XY,
        {"alternating-heavy-ball": {"step_size": (27 / 8) ** 0.5, "momentum": [-1 / 8, 0.0]}},
        0.5,
        1e-4,
    ),
    "alternating heavy ball at its optimum": (
        XY,
        {"alternating-heavy-ball": {"step_size": (64 * (2 * ROOT3 - 3) / 9) ** 0.5, "momentum": 4 * ROOT3 - 7}},
        2 * ROOT3 - 3,
        1e-4,
    ),
    "simultaneous at its optimum": (STRONG, {"simultaneous-gradient": {"step_size": 0.2}}, 2 / ROOT5, 1e-12),
    "simultaneous at its edge": (STRONG, {"simultaneous-gradient": {"step_size": 0.4}}, 1.0, 1e-12),
    "alternating at its optimum, a double root": (
        STRONG,
        {"alternating-gradient": {"step_size": 2 / (ROOT5 + 1)}},
        (ROOT5 - 1) / (ROOT5 + 1),
        1e-6,
    ),
    "heavy ball on its ellipse": (
        {"quadratic": {"p": [[1.0]], "matrix": [[1.5]], "q": [[1.0]]}},
        # the point ηλ = η(1 ± 1.5i) with ((η − ½)/½)² + (1.5η/1.5)² = 1 for β = −½: η = .8
        {"heavy-ball": {"step_size": 0.8, "momentum": -0.5}},
        1.0,
        1e-12,
    ),
    "optimistic multiplicative weights at its edge": (
        "rock-paper-scissors",
        {"optimistic-multiplicative-weights": {"step_size": 1.0}},
        1.0,
        1e-10,
    ),
    "projected extragradient at its edge": (
        "rock-paper-scissors",
        {"projected-extragradient": {"step_size": 1 / ROOT3}},
        1.0,
        1e-12,
    ),
    "critical R1": ({"dirac-gan": {"r1": 1.0}}, {"simultaneous-gradient": {"step_size": 0.5}}, 0.75, 1e-6),
}


@pytest.mark.parametrize("edge", EDGES)
def test_edge_or_optimum(edge):
    game, optimizer, expected, tolerance = EDGES[edge]
    assert radius(game, optimizer) == pytest.approx(expected, rel=tolerance)


GOLDEN = [
    ({"simultaneous-gradient": {"step_size": 0.1}}, 1.0049875621),
    ({"simultaneous-gradient": {"step_size": [0.1, 0.4]}}, 1.0198039027),
    ({"heavy-ball": {"step_size": 0.1, "momentum": -0.5}}, 1.0007430334),
    ({"alternating-heavy-ball": {"step_size": 0.5, "momentum": -0.5}}, 0.9625437032),
    ({"alternating-heavy-ball": {"step_size": 1.0, "momentum": [-0.5, 0.0]}}, 0.8721753570),
    ({"extragradient": {"step_size": 0.1}}, 0.9950376877),
    ({"extragradient": {"step_size": 0.2, "extrapolation_step": 1.0}}, 0.8246211251),
    ({"optimistic-gradient": {"step_size": 0.1}}, 0.9949361530),
    ({"past-extragradient": {"step_size": 0.45}}, 0.8473163206),
    ({"competitive-gradient": {"step_size": 0.2}}, 0.9805806757),
    ({"consensus": {"step_size": 0.1, "gamma": 1.0}}, 0.9055385138),
    ({"symplectic-gradient": {"step_size": 0.1, "gamma": 1.0}}, 0.9055385138),
    ({"gradient-norm-regularized": {"step_size": 0.1, "gamma": 0.5}}, 0.9539392014),
    ({"gradient-norm-regularized": {"step_size": 0.1, "gamma": 0.5, "alternating": True}}, 0.9486832981),
    ({"unrolled": {"step_size": 0.1, "inner_step_size": 0.1, "inner_steps": 5}}, 0.9539392014),
    ({"unrolled": {"step_size": 0.1, "inner_step_size": 0.1, "inner_steps": 5, "alternating": True}}, 0.9486832981),
]


@pytest.mark.parametrize(("optimizer", "expected"), GOLDEN, ids=lambda value: json.dumps(value))
def test_golden_value_on_xy(optimizer, expected):
    assert radius(XY, optimizer) == pytest.approx(expected, abs=5.1e-11, rel=0)
