"""Identities between gradient methods, along whole trajectories and to rounding, on random games."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saddlebench.bench.contracts.arenas import Arena
from saddlebench.bench.contracts.playing import Play, advance, begin, difference, oracle_of, seeds_of
from saddlebench.bench.spectrum import at_equilibrium
from saddlebench.games.bilinear import Bilinear
from saddlebench.games.quadratic import Quadratic

from .trajectories import (
    ROUNDING,
    any_game,
    bilinear,
    few,
    follows,
    inner,
    linear_quadratic,
    moved,
    optimizer,
    random_seed,
    rate,
    same_trajectory,
    trajectory,
)

# 1: in a zero-sum game H_o is the antisymmetric part of J, and many methods are one


def lookahead(eta, alpha, point, w):
    return moved(w, eta, (1, point.v), (-alpha, point.jvp(point.v, off=True)))


def jare(eta, alpha, point, w):
    pull = (point.block(1, 0, point.v[1], transpose=True), point.block(0, 1, point.v[0], transpose=True))
    return moved(w, eta, (1, point.v), (alpha, pull))


def lola(eta, alpha, point, w):
    # χ_i = (∇_ji L_j)ᵀ ∇_j L_i, the gradient of what the other's step does to L_i
    chi = (
        point.block(1, 0, point.partial(0, 1), transpose=True),
        point.block(0, 1, point.partial(1, 0), transpose=True),
    )
    return moved(w, eta, (1, point.v), (-alpha, point.jvp(point.v, off=True)), (-alpha, chi))


@any_game
@few
@given(seed=random_seed, eta=rate, strength=st.floats(-1, 1))
def test_sga_is_lookahead_jare_and_lola_at_half_strength(game_of, seed, eta, strength):
    game, sga = game_of(seed), optimizer("symplectic-gradient", step_size=eta, gamma=strength)
    assert follows(game, sga, partial(lookahead, eta, strength))
    assert follows(game, sga, partial(jare, eta, strength))
    assert follows(game, sga, partial(lola, eta, strength / 2))


def test_these_are_different_methods_where_the_game_is_not_zero_sum():
    game, sga = Arena(zero_sum=False), optimizer("symplectic-gradient", gamma=0.7)
    for update in (partial(lookahead, 0.1, 0.7), partial(jare, 0.1, 0.7), partial(lola, 0.1, 0.35)):
        assert not follows(game, sga, update)


# 2


@any_game
@few
@given(seed=random_seed, eta=rate, gamma=st.floats(0, 1))
def test_consensus_is_sga_and_the_pull_of_the_diagonal_blocks(game_of, seed, eta, gamma):
    game = game_of(seed)

    def update(point, w):
        v = point.v
        turn = tuple((a - b) / 2 for a, b in zip(point.vjp(v), point.jvp(v), strict=True))
        own = tuple(point.block(i, i, x) for i, x in enumerate(v))
        return moved(w, eta, (1, v), (gamma, turn), (gamma, own))

    assert follows(game, optimizer("consensus", step_size=eta, gamma=gamma), update)


# 3: on a bilinear game


@few
@given(seed=random_seed, eta=rate, gamma=rate)
def test_extragradient_is_consensus_sga_and_lookahead_on_a_bilinear_game(seed, eta, gamma):
    game, extragradient = bilinear(seed), optimizer("extragradient", step_size=eta, extrapolation_step=gamma)
    assert same_trajectory(game, extragradient, optimizer("consensus", step_size=eta, gamma=gamma))
    assert same_trajectory(game, extragradient, optimizer("symplectic-gradient", step_size=eta, gamma=gamma))
    assert follows(game, extragradient, partial(lookahead, eta, gamma))
    assert not same_trajectory(Arena(), extragradient, optimizer("consensus", step_size=eta, gamma=gamma))


@few
@given(seed=random_seed, eta=st.floats(0.05, 2))
def test_competitive_gradient_is_the_proximal_point_on_a_bilinear_game(seed, eta):
    game, plays = bilinear(seed), trajectory(bilinear(seed), optimizer("competitive-gradient", step_size=eta))
    for before, after in itertools.pairwise(plays):
        implicit = oracle_of(game, after).field(after.w)  # w⁺ = w − η v(w⁺)
        assert difference(after.w, moved(before.w, eta, (1, implicit))) <= 1e-10


# 4: Popov


@any_game
@few
@given(seed=random_seed, eta=rate)
def test_half_iterates_of_past_extragradient_are_the_optimistic_gradient(game_of, seed, eta):
    game = game_of(seed)
    popov = trajectory(game, optimizer("past-extragradient", step_size=eta))
    optimistic_play = trajectory(game, optimizer("optimistic-gradient", step_size=eta))
    for past, now in zip(popov, optimistic_play, strict=True):
        assert difference(moved(past.w, eta, (1, past.state.past)), now.w) <= ROUNDING


@few
@given(seed=random_seed, eta=rate)
def test_nonzero_spectra_of_past_extragradient_and_optimistic_gradient_agree(seed, eta):
    game = linear_quadratic(seed)
    spectra = [at_equilibrium(game, optimizer(n, step_size=eta)).eigenvalues for n in ("past-extragradient", "optimistic-gradient")]
    one, other = (np.sort_complex(np.round(z[np.abs(z) > 1e-6], 9)) for z in spectra)
    assert len(one) == len(other)
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


# 5, 6, 7: what is conserved, and how norms change


@few
@given(seed=random_seed, eta_x=rate, eta_y=rate)
def test_alternating_gradient_conserves_a_quadratic_form_on_a_bilinear_game(seed, eta_x, eta_y):
    game = bilinear(seed)
    play = begin(game, method := optimizer("alternating-gradient", step_size=[eta_x, eta_y]), seeds_of(3))

    def energy(play: Play):
        x, y = play.w
        return (x**2).sum(-1) / eta_x + (y**2).sum(-1) / eta_y - game.losses(play.w, None, ())[0]

    start, end = energy(play), energy(advance(game, method, play, 500))
    assert ((end - start).abs() <= 1e-12 * start).all()


@few
@given(eta=rate)
def test_how_norms_change_on_xy(eta):
    game = Bilinear()
    factors = {
        "simultaneous-gradient": 1 + eta**2,
        "extragradient": 1 - eta**2 + eta**4,
        "competitive-gradient": 1 / (1 + eta**2),  # the implicit step
    }
    for name, factor in factors.items():
        norms = [inner(p.w, p.w) for p in trajectory(game, optimizer(name, step_size=eta))]
        for before, after in itertools.pairwise(norms):
            torch.testing.assert_close(after, factor * before, rtol=1e-12, atol=0)


@any_game
@few
@given(seed=random_seed)
def test_the_symplectic_adjustment_is_orthogonal_to_the_field(game_of, seed):
    game = game_of(seed)
    play = begin(game, optimizer("symplectic-gradient"), seeds_of(3))
    point = oracle_of(game, play).at(play.w)
    turn = tuple(a - b for a, b in zip(point.vjp(point.v), point.jvp(point.v), strict=True))
    assert inner(point.v, turn).abs().max() <= 1e-12 * inner(point.v, point.v).max()


@few
@given(seed=random_seed, eta=rate)
def test_alignment_keeps_the_sign_on_a_hamiltonian_game(seed, eta):
    plain = optimizer("symplectic-gradient", step_size=eta, gamma=0.5)
    assert same_trajectory(bilinear(seed), optimizer("symplectic-gradient", step_size=eta, gamma=0.5, aligned=True), plain)


def test_alignment_turns_the_sign_near_an_unstable_point():
    """ℓ = −(ε/2)x² − xy: the aligned method leaves what the plain one is drawn to, where the field is large against ε₀."""
    game = Quadratic(p=((-0.3,),), matrix=((1.0,),), q=((-0.3,),))
    far = tuple(torch.full((1, 1), 30.0, dtype=torch.float64) for _ in range(2))
    for aligned, grows in ((False, False), (True, True)):
        method = optimizer("symplectic-gradient", step_size=0.01, aligned=aligned)
        end = advance(game, method, begin(game, method, seeds_of(1), far), 50)
        assert bool(inner(end.w, end.w) > inner(far, far)) is grows


# 8: special cases

SPECIAL = {
    "schedule 0, 1": ("alternating-gradient", {"schedule": [0, 1]}, "alternating-gradient", {}),
    "γ → 0": ("extragradient", {"extrapolation_step": 1e-300}, "simultaneous-gradient", {}),
    "γ = η": ("extragradient", {"extrapolation_step": 0.1}, "extragradient", {}),
    "κ = 0": ("optimistic-gradient", {"optimism": 0}, "simultaneous-gradient", {}),
    "β = 0": ("heavy-ball", {"momentum": 0}, "simultaneous-gradient", {}),
    "β = 0, alternating": ("alternating-heavy-ball", {"momentum": 0}, "alternating-gradient", {}),
    "consensus γ = 0": ("consensus", {"gamma": 0}, "simultaneous-gradient", {}),
    "SGA λ = 0": ("symplectic-gradient", {"gamma": 0}, "simultaneous-gradient", {}),
    "no domain to project on": ("projected-gradient", {}, "simultaneous-gradient", {}),
    "no domain to project on, EG": ("projected-extragradient", {}, "extragradient", {}),
    "κ = 0, Adam": ("optimistic-adam", {"optimism": 0, "betas": [0.9, 0.999]}, "adam", {"step_size": 0.1}),
    "Adam as a rule": ("simultaneous-gradient", {"rule": "adam"}, "adam", {"step_size": 0.1}),
    "ExtraAdam as a rule": (
        "extragradient",
        {"rule": {"adam": {"betas": [0.5, 0.9]}}},
        "extra-adam",
        {"step_size": 0.1},
    ),
    "RMSProp as a rule": ("simultaneous-gradient", {"rule": "rmsprop"}, "rmsprop", {"step_size": 0.1}),
    "optimistic rule": ("simultaneous-gradient", {"rule": "optimistic"}, "optimistic-gradient", {}),
}


@pytest.mark.parametrize("case", SPECIAL)
@any_game
def test_special_case(case, game_of):
    one, parameters, other, others = SPECIAL[case]
    game = game_of(7)
    assert same_trajectory(
        game, optimizer(one, **{"step_size": 0.1, **parameters}), optimizer(other, **{"step_size": 0.1, **others})
    )


@any_game
@few
@given(seed=random_seed, eta=rate, beta=st.floats(-0.9, 0.9))
def test_heavy_ball_is_momentum_of_the_last_displacement(game_of, seed, eta, beta):
    game = game_of(seed)
    plays = trajectory(game, optimizer("heavy-ball", step_size=eta, momentum=beta))
    for last, now, after in zip(plays, plays[1:], plays[2:], strict=False):
        v = oracle_of(game, now).field(now.w)
        wanted = tuple(x - eta * g + beta * (x - x0) for x, g, x0 in zip(now.w, v, last.w, strict=True))
        assert difference(after.w, wanted) <= 1e-11


@few
@given(seed=random_seed, eta=rate, beta=st.floats(-0.9, 0.9))
def test_alternating_heavy_ball_lets_the_second_player_see_the_first_ones_move(seed, eta, beta):
    game = linear_quadratic(seed)
    plays = trajectory(game, optimizer("alternating-heavy-ball", step_size=eta, momentum=beta))
    for last, now, after in zip(plays, plays[1:], plays[2:], strict=False):
        (x0, y0), (x, y), oracle = last.w, now.w, oracle_of(game, now)
        x1 = x - eta * oracle.gradient(0, (x, y)) + beta * (x - x0)
        y1 = y - eta * oracle.gradient(1, (x1, y)) + beta * (y - y0)
        assert difference(after.w, (x1, y1)) <= 1e-11
