"""Rates of trajectories: the largest modulus of matrices of every kind, and never a false alarm on the optimizers' own steps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import saddlebench
from saddlebench.bench.agreement import RADIUS, RATE, Compared, compare
from saddlebench.bench.build import build
from saddlebench.bench.cells import Pairing
from saddlebench.bench.local_rate import HIGHEST, LOWEST, STEPS, LocalRate, fitted
from saddlebench.bench.settings import Settings
from saddlebench.bench.spectrum import at_equilibrium
from saddlebench.optimizers import OPTIMIZERS


def rate_of(matrix):
    """The fit to what `distances` would find of a linear map."""
    apart, found = np.eye(len(matrix)), [np.sqrt(len(matrix))]
    while len(found) <= STEPS and LOWEST * found[0] <= found[-1] <= HIGHEST * found[0]:
        apart = matrix @ apart
        found.append(float(np.linalg.norm(apart)))
    return fitted(np.array(found), 0.0)


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


JORDAN = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
MATRICES = {
    "a rotation": (0.99 * turn(0.1), 0.99),
    "an oval, slow rotation": (0.999 * np.diag([9.0, 1.0]) @ turn(0.01) @ np.diag([1 / 9.0, 1.0]), 0.999),
    "radius 1": (turn(0.3), 1.0),
    "a double root at radius 1": (JORDAN[:2, :2], 1.0),
    "a triple root": (0.98 * JORDAN, 0.98),
    "a transient that grows a hundredfold": (np.array([[0.97, 9.0], [0.0, 0.9]]), 0.97),
    "two moduli, nearly equal": (np.diag([0.999, 0.9985]), 0.999),
    "a sign": (np.diag([-0.95, 0.5]), 0.95),
    "growth": (np.array([[1.2, 0.3], [0.0, 1.1]]), 1.2),
    "fast": (np.diag([1e-2, 1e-3]), 1e-2),
    "zero": (np.zeros((2, 2)), 0.0),
    "nilpotent": (np.array([[0.0, 1.0], [0.0, 0.0]]), 0.0),
}

# A slow rotation is not yet averaged, growth soon leaves the neighbourhood, of the fast ones only the order of magnitude is known.
ROUGH = {"an oval, slow rotation": 0.25, "growth": 0.1, "fast": 0.05, "zero": 0.05, "nilpotent": 0.05}


@pytest.mark.parametrize("kind", MATRICES)
def test_rate_is_the_largest_modulus_to_its_tolerance(kind):
    matrix, radius = MATRICES[kind]
    found = rate_of(matrix)
    assert abs(found.rate - radius) <= found.tolerance
    assert found.tolerance <= ROUGH.get(kind, 0.025)


@pytest.mark.parametrize("size", [2, 3, 6])
def test_no_random_matrix_is_a_false_alarm(size):
    rng = np.random.default_rng(size)
    for _ in range(40):
        matrix = rng.normal(size=(size, size))
        matrix *= (1 + rng.choice([-1, 1]) * 10 ** rng.uniform(-4, -0.5)) / np.abs(np.linalg.eigvals(matrix)).max()
        found, radius = rate_of(matrix), np.abs(np.linalg.eigvals(matrix)).max()
        assert abs(found.rate - radius) <= found.tolerance


XY, STRONG = "bilinear", "quadratic"
CELLS = {
    "plain": (XY, "extragradient", 0.995037690),
    "defective, at the edge of stability": (XY, {"alternating-gradient": {"step_size": 2.0}}, 1.0),
    "radius exactly 1": (XY, "alternating-gradient", 1.0),
    "two steps, a double root": (XY, {"optimistic-gradient": {"step_size": 0.5}}, 0.5**0.5),
    "a triple root": (XY, {"alternating-heavy-ball": {"step_size": (27 / 8) ** 0.5, "momentum": [-1 / 8, 0.0]}}, 0.5),
    "a cycle": (STRONG, "lookahead-minmax", 0.775696),
    "superlinear": (STRONG, "complete-newton", 0.0),
    "null directions": ({"bilinear": {"matrix": [[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]}}, "heavy-ball", None),
    "not linear": ("forsaken", "projected-gradient", 0.9996579),
    "superlinear and not linear": ("forsaken", "complete-newton", 0.0),
    "on the simplex": ("rock-paper-scissors", "optimistic-multiplicative-weights", 0.9983263),
    "logits, with null directions": ({"rock-paper-scissors": {"form": "softmax"}}, "optimistic-gradient", None),
    "four players": ("four-player", "extragradient", 0.9981417),
    "drawn by seed": ({"bilinear": {"shape": [4, 6], "condition_number": 3.0}}, "consensus", None),
}


@pytest.mark.parametrize("cell", CELLS)
def test_three_numbers_agree(cell):
    game, optimizer, radius = CELLS[cell]
    found = compare(Pairing(build("game", game), build("optimizer", optimizer), Settings()), seed=1)
    assert found.agreement == "ok"
    assert found.measured is not None
    if radius is not None:
        assert found.measured.rate == pytest.approx(radius, abs=found.measured.tolerance)


def test_a_step_whose_derivative_lies_is_flagged():
    """A detach changes no trajectory, only what autograd sees."""
    cls = OPTIMIZERS["extragradient"]

    @dataclass(frozen=True)
    class Detached(cls):
        def step(self, oracle, w, state):
            half = tuple((x - self.step_size * g).detach() for x, g in zip(w, oracle.field(w), strict=True))
            ahead = oracle.field(half)
            return tuple(x - self.step_size * g for x, g in zip(w, ahead, strict=True)), state

    game = build("game", STRONG)
    found = compare(Pairing(game, Detached(), Settings()))
    assert found.agreement == RATE
    honest = compare(Pairing(game, cls(), Settings()))
    assert honest.agreement == "ok"
    assert found.measured is not None
    assert honest.measured is not None
    assert found.measured.rate == honest.measured.rate


def test_a_wrong_closed_form_and_a_wrong_rate_are_flagged():
    spectrum = at_equilibrium(build("game", XY), build("optimizer", "extragradient"))
    near, far = LocalRate(0.9951, 1e-3, 400), LocalRate(0.99, 1e-3, 400)
    assert Compared(spectrum, 0.9950376877284598, near).agreement == "ok"
    assert Compared(spectrum, 0.995037, near).agreement == RADIUS
    assert Compared(spectrum, 0.995037, far).agreement == f"{RADIUS}; {RATE}"
    assert Compared(spectrum, None, far).agreement == RATE
    assert Compared(spectrum, None, None).agreement is None


def test_spectra_is_a_table_of_every_pair():
    table = saddlebench.spectra([XY, STRONG], {"extragradient": {"step_size": {"sweep": [0.1, 0.2]}}, "adam": {}}, rate=False)
    assert table["optimizer"].tolist() == ["extragradient", "extragradient", "adam"] * 2
    np.testing.assert_allclose(table["radius"], table["predicted"], rtol=1e-10)
    assert table["agreement"].fillna("").tolist() == ["ok", "ok", ""] * 2
    assert table["rate"].isna().all()
    assert table["reason"].notna().tolist() == [False, False, True] * 2
    measured = saddlebench.spectra(XY, "extragradient")
    assert abs(measured["rate"] - measured["radius"]).item() <= measured["tolerance"].item() < 0.01
    assert pd.api.types.is_float_dtype(measured["tolerance"])


@pytest.mark.slow
def test_no_false_alarm_over_the_catalogue():
    games = [XY, STRONG, "dirac-gan", "forsaken", "rock-paper-scissors", "four-player"]
    table = saddlebench.spectra(games, "*")
    compared = table[table["agreement"].notna()]
    assert (compared["agreement"] == "ok").all()
    assert len(compared) > 100
    assert table.loc[table["agreement"].isna(), "reason"].notna().all()
