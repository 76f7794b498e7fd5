"""Nesterov, AdamW, the proximal point, past ExtraAdam and complex momentum, along whole trajectories and against closed forms."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import saddlebench
from saddlebench.bench.contracts.playing import difference, oracle_of
from saddlebench.bench.spectrum import at_equilibrium
from saddlebench.games.bilinear import Bilinear
from saddlebench.optimizers.rules import adam
from saddlebench.results.theory import predicted_radius

from .trajectories import (
    ROUNDING,
    any_game,
    bilinear,
    few,
    inner,
    linear_quadratic,
    moved,
    optimizer,
    random_seed,
    rate,
    same_trajectory,
    trajectory,
)

SPECIAL = {
    "Nesterov β = 0": ("nesterov", {"momentum": 0}, "simultaneous-gradient", {}),
    "Nesterov as a rule": ("simultaneous-gradient", {"rule": "nesterov"}, "nesterov", {}),
    "Nesterov is PyTorch's": (
        "nesterov",
        {"momentum": 0.7},
        "simultaneous-gradient",
        {"rule": {"torch.optim.SGD": {"momentum": 0.7, "nesterov": True}}},
    ),
    "AdamW λ = 0": ("adam-w", {"weight_decay": 0}, "adam", {}),
    "AdamW is PyTorch's": ("adam-w", {}, "simultaneous-gradient", {"rule": {"torch.optim.AdamW": {}}}),
    "weight decay of the plain rule": (
        "simultaneous-gradient",
        {"rule": {"weight-decay": {"weight_decay": 0.1}}},
        "simultaneous-gradient",
        {"rule": {"torch.optim.SGD": {"weight_decay": 0.1}}},
    ),
    "past ExtraAdam as a rule": ("past-extragradient", {"rule": {"adam": {"betas": [0.5, 0.9]}}}, "past-extra-adam", {}),
    "complex β = 0": ("complex-momentum", {"momentum_modulus": 0}, "simultaneous-gradient", {}),
    "complex β > 0": (
        "complex-momentum",
        {"momentum_modulus": 0.6, "momentum_argument": 0},
        "heavy-ball",
        {"momentum": 0.6},
    ),
    "complex β < 0": (
        "complex-momentum",
        {"momentum_modulus": 0.6, "momentum_argument": math.pi},
        "heavy-ball",
        {"momentum": -0.6},
    ),
}


@pytest.mark.parametrize("case", SPECIAL)
@any_game
def test_special_case(case, game_of):
    one, parameters, other, others = SPECIAL[case]
    pair = optimizer(one, **{"step_size": 0.1, **parameters}), optimizer(other, **{"step_size": 0.1, **others})
    assert same_trajectory(game_of(7), *pair)


@any_game
@few
@given(seed=random_seed, eta=rate, beta=st.floats(-0.9, 0.9))
def test_nesterov_s_profile_is_the_extrapolated_point(game_of, seed, eta, beta):
    game = game_of(seed)
    plays = trajectory(game, optimizer("nesterov", step_size=eta, momentum=beta))
    w = last = plays[0].w
    for play in plays:
        u = tuple(x + beta * (x - x0) for x, x0 in zip(w, last, strict=True))
        assert difference(play.w, u) <= 1e-11
        w, last = moved(u, eta, (1, oracle_of(game, play).field(u))), w


@any_game
@few
@given(seed=random_seed, eta=rate, modulus=st.floats(0, 0.95), argument=st.floats(-3, 3))
def test_complex_momentum_in_complex_numbers(game_of, seed, eta, modulus, argument):
    game, beta = game_of(seed), modulus * complex(math.cos(argument), math.sin(argument))
    method = optimizer("complex-momentum", step_size=eta, momentum_modulus=modulus, momentum_argument=argument)
    plays = trajectory(game, method)
    velocity = [np.zeros(x.shape, dtype=complex) for x in plays[0].w]
    for before, after in itertools.pairwise(plays):
        field = oracle_of(game, before).field(before.w)
        velocity = [beta * m - v.numpy() for m, v in zip(velocity, field, strict=True)]
        wanted = tuple(x + eta * torch.from_numpy(m.real) for x, m in zip(before.w, velocity, strict=True))
        assert difference(after.w, wanted) <= 1e-11


@few
@given(radius=st.floats(0.05, 0.95), angle=st.floats(0, math.pi))
def test_small_steps_of_complex_momentum_converge_on_xy_exactly_by_the_criterion(radius, angle):
    beta = radius * complex(math.cos(angle), math.sin(angle))
    criterion = ((1 + beta) / (1 - beta) ** 2).real
    eta = 1e-3 * (1 - radius)
    rho = saddlebench.spectral_radius(
        "bilinear", {"complex-momentum": {"step_size": eta, "momentum_modulus": radius, "momentum_argument": angle}}
    )
    if abs(criterion) > 0.05:
        assert (rho < 1) is (criterion < 0)


# the proximal point


@any_game
@few
@given(seed=random_seed, eta=st.floats(0.01, 0.5))
def test_the_proximal_point_solves_its_implicit_equation(game_of, seed, eta):
    game = game_of(seed)
    plays = trajectory(game, optimizer("proximal-point", step_size=eta), 10)
    for before, after in itertools.pairwise(plays):
        implicit = oracle_of(game, after).field(after.w)
        assert difference(after.w, moved(before.w, eta, (1, implicit))) <= 1e-10


@few
@given(seed=random_seed, eta=st.floats(0.05, 2))
def test_the_proximal_point_is_competitive_gradient_on_a_bilinear_game(seed, eta):
    game = bilinear(seed)
    pairs = zip(*(trajectory(game, optimizer(n, step_size=eta)) for n in ("proximal-point", "competitive-gradient")), strict=True)
    assert max(difference(a.w, b.w) for a, b in pairs) <= 1e-10


@few
@given(eta=st.floats(0.01, 5))
def test_the_implicit_step_shrinks_norms_on_xy(eta):
    norms = [inner(p.w, p.w) for p in trajectory(Bilinear(), optimizer("proximal-point", step_size=eta), 10)]
    for before, after in itertools.pairwise(norms):
        torch.testing.assert_close(after, before / (1 + eta**2), rtol=1e-12, atol=0)


@pytest.mark.parametrize("game_of", [bilinear, linear_quadratic])
@few
@given(seed=random_seed, eta=st.floats(0.01, 3))
def test_the_proximal_point_s_spectrum_is_the_resolvent_s(game_of, seed, eta):
    game = game_of(seed)
    jacobian = np.block(
        [
            [np.asarray(getattr(game, "p", np.zeros((game.sizes[0],) * 2))), np.asarray(game.matrix)],
            [-np.asarray(game.matrix).T, np.asarray(getattr(game, "q", np.zeros((game.sizes[1],) * 2)))],
        ]
    )
    wanted = 1 / (1 + eta * np.linalg.eigvals(jacobian))
    found = at_equilibrium(game, optimizer("proximal-point", step_size=eta)).eigenvalues
    np.testing.assert_allclose(np.sort(np.abs(found)), np.sort(np.abs(wanted)), atol=1e-8)


def test_one_step_size_a_player():
    game = {"matrix": [[1.0, 2.0], [0.0, 1.0]], "p": [[1.0, 0.0], [0.0, 0.5]], "q": [[0.3, 0.0], [0.0, 0.3]]}
    parameters = {"step_size": [0.3, 0.9]}
    predicted = predicted_radius("quadratic", game, "proximal-point", parameters)
    measured = saddlebench.spectral_radius({"quadratic": game}, {"proximal-point": parameters})
    assert measured == pytest.approx(predicted, rel=1e-8)


# past ExtraAdam


@few
@given(eta=rate)
def test_past_extra_adam_advances_moments_on_both_half_steps_and_asks_once(eta):
    game, rule = linear_quadratic(3), adam.Adam((0.5, 0.9))
    plays = trajectory(game, optimizer("past-extra-adam", step_size=eta), 10)
    states, past = [rule.init(i, x) for i, x in enumerate(plays[0].w)], tuple(torch.zeros_like(x) for x in plays[0].w)
    for before, after in itertools.pairwise(plays):
        at = before.w
        for half in range(2):
            gradients = oracle_of(game, before).field(at) if half else past
            directions = [rule.direction(i, at[i], g, states[i]) for i, g in enumerate(gradients)]
            states = [s for _, s in directions]
            at = tuple(x - eta * d for x, (d, _) in zip(before.w, directions, strict=True))
            past = gradients
        assert difference(after.w, at) <= ROUNDING
