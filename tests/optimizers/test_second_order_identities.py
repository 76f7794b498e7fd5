"""Identities between methods that use second derivatives, along whole trajectories on random games."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebench.bench.contracts.playing import advance, difference

from .random_games import SOLVED, Derivatives, RandomGame, apply, general_sum, stepped, two_players, zero_sum
from .trajectories import bilinear, fewer, optimizer, random_seed, rate, same_trajectory, trajectory

# A4.1: in zero-sum games these are one method


@fewer
@given(seed=random_seed, eta=rate, strength=st.floats(0.01, 1), p=st.floats(0, 1))
def test_zero_sum_sga_is_lookahead_jare_lola_and_sos(seed, eta, strength, p):
    game, sga = zero_sum(seed), optimizer("symplectic-gradient", step_size=eta, gamma=strength)
    same = {"lookahead": strength, "jare": strength, "lola": strength / 2}
    for name, gamma in same.items():
        assert same_trajectory(game, sga, optimizer(name, step_size=eta, gamma=gamma)), name
    assert same_trajectory(game, sga, optimizer("sos", step_size=eta, gamma=strength / (1 + p), p=p))
    linearised = optimizer("linearised-competitive-gradient", step_size=eta)
    assert same_trajectory(game, linearised, optimizer("symplectic-gradient", step_size=eta, gamma=eta))


def test_in_general_sum_games_they_differ():
    game, methods = general_sum(3), ("symplectic-gradient", "lookahead", "jare", "lola")
    for one, other in itertools.combinations(methods, 2):
        assert not same_trajectory(game, optimizer(one, step_size=0.1, gamma=0.5), optimizer(other, step_size=0.1, gamma=0.5))


# A4.2


@fewer
@given(seed=random_seed, eta=rate, gamma=st.floats(0, 1))
def test_consensus_less_sga_is_the_pull_of_the_own_hessians(seed, eta, gamma):
    game, consensus = zero_sum(seed), optimizer("consensus", step_size=eta, gamma=gamma)
    for play in trajectory(game, consensus, 8):
        one = advance(game, consensus, play, 1).w
        other = advance(game, optimizer("symplectic-gradient", step_size=eta, gamma=gamma), play, 1).w
        at = Derivatives(game, play.w)
        own = [-gamma * apply(at.block(i, i).mT, v) for i, v in enumerate(at.v)]
        assert difference(one, stepped(other, -eta, own)) <= 1e-12


# A4.3: on bilinear games


@fewer
@given(seed=random_seed, eta=rate, gamma=rate, inner_steps=st.integers(1, 6))
def test_what_is_one_method_on_a_bilinear_game(seed, eta, gamma, inner_steps):
    game, ahead = bilinear(seed), optimizer("extragradient", step_size=eta, extrapolation_step=gamma)
    for name in ("consensus", "aligned-consensus", "symplectic-gradient", "jare", "lookahead"):
        assert same_trajectory(game, ahead, optimizer(name, step_size=eta, gamma=gamma)), name
    assert same_trajectory(game, optimizer("extragradient", step_size=eta), optimizer("lookahead", step_size=eta))
    unrolled = optimizer("unrolled", step_size=eta, inner_step_size=gamma, inner_steps=inner_steps)
    assert same_trajectory(game, unrolled, optimizer("gradient-norm-regularized", step_size=eta, gamma=inner_steps * gamma))
    proximal, competitive = optimizer("proximal-point", step_size=eta), optimizer("competitive-gradient", step_size=eta)
    pairs = zip(trajectory(game, proximal), trajectory(game, competitive), strict=True)
    assert max(difference(a.w, b.w) for a, b in pairs) <= SOLVED


# A4.8: special cases

SPECIAL = {
    "lookahead α = 0": ("lookahead", {"gamma": 0}, "simultaneous-gradient", {}),
    "JARE α = 0": ("jare", {"gamma": 0}, "simultaneous-gradient", {}),
    "λ = 0": ("gradient-norm-regularized", {"gamma": 0}, "simultaneous-gradient", {}),
    "SOS p = 0": ("sos", {"p": 0, "gamma": 0.4}, "lookahead", {"gamma": 0.4}),
    "SOS p = 1": ("sos", {"p": 1, "gamma": 0.4}, "lola", {"gamma": 0.4}),
    "α = η": ("lookahead", {}, "linearised-competitive-gradient", {}),
    "α = η, LOLA": ("lola", {}, "lola", {"gamma": 0.1}),
    "aligned, γ = 0": ("aligned-consensus", {"gamma": 0}, "simultaneous-gradient", {}),
    "inner steps of nothing": ("unrolled", {"inner_step_size": 1e-300}, "simultaneous-gradient", {}),
    "inner steps of nothing, alternating": (
        "unrolled",
        {"inner_step_size": 1e-300, "alternating": True},
        "alternating-gradient",
        {},
    ),
}


@pytest.mark.parametrize("case", SPECIAL)
def test_special_case(case):
    one, given_one, other, given_other = SPECIAL[case]
    one, other = optimizer(one, step_size=0.1, **given_one), optimizer(other, step_size=0.1, **given_other)
    assert same_trajectory(two_players(7), one, other)
    assert same_trajectory(two_players(8), one, other)


@pytest.mark.parametrize("name", ["follow-the-ridge", "total-gradient"])
def test_without_coupling_ridge_methods_are_the_simultaneous_gradient(name):
    game = RandomGame(5, coupling=0.0)
    assert same_trajectory(game, optimizer(name, step_size=0.1), optimizer("simultaneous-gradient", step_size=0.1))
