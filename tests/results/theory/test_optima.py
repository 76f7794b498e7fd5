"""Optima in closed form against a numerical minimisation of the closed-form radius."""

import numpy as np
import pytest
from scipy.optimize import differential_evolution

from saddlebench.results.theory import predicted_radius
from saddlebench.results.theory.optima import _placed, optimum

SINGLE = ("bilinear", {"matrix": [[1.7]]})
RANGE = ("bilinear", {"matrix": [[0.6, 0.0], [0.0, 1.3]]})
WIDE = ("bilinear", {"matrix": [[0.2, 0.0], [0.0, 2.0]]})
NULL = ("bilinear", {"matrix": [[0.8, 0.0]]})
PAIR = ("quadratic", {"p": [[0.4]], "matrix": [[1.1]], "q": [[0.4]]})
REAL = ("quadratic", {"p": [[0.3]], "matrix": [[0.0]], "q": [[2.0]]})
BOUNDS = {"step_size": (1e-3, 4.0), "momentum": (-0.9, 0.9), "momentum.0": (-0.9, 0.9), "momentum.1": (-0.9, 0.9)}
CASES = [
    (SINGLE, "extragradient", {"extrapolation_step": None}, ["step_size"]),
    (RANGE, "extragradient", {}, ["step_size"]),
    (NULL, "extragradient", {}, ["step_size"]),
    (SINGLE, "extragradient", {"extrapolation_step": 0.4}, ["step_size"]),
    (RANGE, "extragradient", {"extrapolation_step": 0.4}, ["step_size"]),
    (WIDE, "extragradient", {"extrapolation_step": 0.4}, ["step_size"]),
    (WIDE, "consensus", {"gamma": 2.0}, ["step_size"]),
    (SINGLE, "symplectic-gradient", {"gamma": 0.7, "aligned": False}, ["step_size"]),
    (SINGLE, "jare", {"gamma": 0.7}, ["step_size"]),
    (SINGLE, "lookahead", {"gamma": 0.7}, ["step_size"]),
    (SINGLE, "optimistic-gradient", {"optimism": 1.0}, ["step_size"]),
    (NULL, "past-extragradient", {}, ["step_size"]),
    (PAIR, "simultaneous-gradient", {}, ["step_size"]),
    (REAL, "simultaneous-gradient", {}, ["step_size"]),
    (("dirac-gan", {"r1": 1.5}), "simultaneous-gradient", {}, ["step_size"]),
    (PAIR, "alternating-gradient", {"schedule": None}, ["step_size"]),
    (RANGE, "hamiltonian-gradient", {}, ["step_size"]),
    (PAIR, "hamiltonian-gradient", {}, ["step_size"]),
    (REAL, "heavy-ball", {"momentum": -0.5}, ["momentum", "step_size"]),
    (SINGLE, "alternating-heavy-ball", {"momentum": -0.5}, ["step_size", "momentum"]),
    (SINGLE, "alternating-heavy-ball", {"momentum": [-0.5, 0.0]}, ["step_size", "momentum.0"]),
    (SINGLE, "alternating-heavy-ball", {"momentum": [0.0, -0.5]}, ["step_size", "momentum.1"]),
]


def radius_at(game, optimizer, parameters, names, values):
    return predicted_radius(*game, optimizer, _placed(parameters, dict(zip(names, values, strict=True))))


@pytest.mark.parametrize(("game", "optimizer", "parameters", "free"), CASES)
def test_no_search_finds_a_smaller_radius_and_it_comes_to_the_same(game, optimizer, parameters, free):
    found = optimum(*game, optimizer, parameters, free)
    assert found is not None
    names = sorted(free)
    assert sorted(found.values) == names
    # Near a triple root the radius rises with the third root of the distance: a search can only come near.
    near = 1e-4 if len(free) == 1 else 0.02

    def radius(values):
        return radius_at(game, optimizer, parameters, names, values)

    search = differential_evolution(radius, [BOUNDS[name] for name in names], seed=0, tol=1e-10, popsize=8, maxiter=40)
    assert radius([found.values[name] for name in names]) == pytest.approx(found.radius, abs=1e-4)
    assert found.radius <= search.fun + 1e-6
    assert search.fun == pytest.approx(found.radius, abs=near)
    assert search.x == pytest.approx([found.values[name] for name in names], abs=10 * near)


def test_published_values_on_the_scalar_bilinear_game():
    one = ("bilinear", {})
    found = optimum(*one, "extragradient", {}, ["step_size"])
    assert found is not None
    assert (found.values["step_size"], found.radius) == pytest.approx((np.sqrt(0.5), np.sqrt(3) / 2))
    found = optimum(*one, "optimistic-gradient", {}, ["step_size"])
    assert found is not None
    assert (found.values["step_size"], found.radius) == pytest.approx((0.5, np.sqrt(0.5)))
    found = optimum(*one, "consensus", {"gamma": 2.0}, ["step_size"])
    assert found is not None
    assert (found.values["step_size"], found.radius) == pytest.approx((0.4, 1 / np.sqrt(5)))


@pytest.mark.parametrize(
    ("game", "optimizer", "parameters", "free"),
    [
        (SINGLE, "simultaneous-gradient", {}, ["step_size"]),  # never converges
        (SINGLE, "alternating-gradient", {}, ["step_size"]),  # cycles
        (SINGLE, "proximal-point", {}, ["step_size"]),  # the larger the better
        (RANGE, "optimistic-gradient", {}, ["step_size"]),
        (SINGLE, "optimistic-gradient", {"optimism": 0.7}, ["step_size"]),  # another method
        (SINGLE, "extragradient", {"rule": {"momentum": {"momentum": 0.5}}}, ["step_size"]),
        (SINGLE, "alternating-heavy-ball", {"momentum": [-0.5, 0.2]}, ["step_size", "momentum.0"]),
        (PAIR, "alternating-gradient", {"schedule": [0, 1, 1]}, ["step_size"]),
        (PAIR, "extragradient", {}, ["step_size"]),
        (PAIR, "heavy-ball", {"momentum": 0.1}, ["step_size", "momentum"]),
        (("gaussian-ring", {}), "extragradient", {}, ["step_size"]),
        (SINGLE, "extragradient", {}, ["extrapolation_step"]),
        (SINGLE, "lookahead", {"gamma": None}, ["step_size"]),
    ],
)
def test_where_nothing_is_known_nothing_is_said(game, optimizer, parameters, free):
    assert optimum(*game, optimizer, parameters, free) is None
