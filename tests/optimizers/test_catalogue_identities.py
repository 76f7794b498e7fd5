"""The identities between the catalogue's methods, each as a property of whole trajectories on random games. Where each is tested:

1. Zero-sum: SGA(λ) ≡ LookAhead(λ) ≡ JARE(λ) ≡ LOLA(λ/2) ≡ v − λχ ≡ SOS(p, λ/(1+p)), LCGD ≡ SGA(η)
   here, and `test_second_order_identities`: test_zero_sum_sga_is_lookahead_jare_lola_and_sos, test_in_general_sum_games_they_differ
2. CO(γ) − SGA(γ) = γ(f_xx f_x, f_yy f_y)
   `test_identities`: test_consensus_is_sga_and_the_pull_of_the_diagonal_blocks;
   `test_second_order_identities`: test_consensus_less_sga_is_the_pull_of_the_own_hessians
3. Bilinear: EG(η, γ) ≡ CO(η, γ), EG ≡ LookAhead(η), CGD ≡ proximal point, unrolled(K, η_u) ≡ GNR(Kη_u)
   `test_second_order_identities`: test_what_is_one_method_on_a_bilinear_game; `test_identities`: the tests under "3"
4. Popov's half iterates are OGDA's, and the nonzero spectra agree
   `test_identities`: test_half_iterates_…, test_nonzero_spectra_…
5. altGD on xᵀAy conserves ‖x‖²/η_x + ‖y‖²/η_y − xᵀAy
   here at every step and any order of sizes, and `test_identities`: test_alternating_gradient_conserves_…
6. ‖w⁺‖² on xy: (1+η²)‖w‖² simGD, (1−η²+η⁴)‖w‖² EG, ‖w‖²/(1+η²) implicit
   here on every rotation of σxy, and `test_identities`: test_how_norms_change_on_xy;
   `test_first_order_identities`: test_the_implicit_step_shrinks_norms_on_xy
7. ⟨v, Aᵀv⟩ = 0; ⟨v, ∇H⟩ = 0 on a Hamiltonian game, where the alignment's sign is therefore +1
   here, and `test_identities`: test_the_symplectic_adjustment_…, test_alignment_…
8. Degenerate parameters
   here, and the tables SPECIAL of `test_identities`, `test_first_order_identities`, `test_second_order_identities`
9. The first steps of Adam, optimistic Adam and RMSProp
   `test_adaptive_identities`: test_printed_trajectory_…, test_first_steps_of_adam_and_rmsprop
"""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import difference, oracle_of
from saddlebench.games.bilinear import Bilinear

from .random_games import Derivatives, RandomGame, agrees, apply, general_sum, stepped, zero_sum
from .trajectories import (
    any_game,
    bilinear,
    few,
    fewer,
    inner,
    linear_quadratic,
    optimizer,
    random_seed,
    rate,
    same_trajectory,
    trajectory,
)

zero_sum_game = pytest.mark.parametrize("game_of", [bilinear, linear_quadratic, zero_sum], ids=lambda f: f.__name__)


def flat(d):
    return torch.cat(d.v, -1), d.jacobian


# 1


@pytest.mark.parametrize("game_of", [bilinear, linear_quadratic], ids=lambda f: f.__name__)
@few
@given(seed=random_seed, eta=rate, strength=st.floats(0.01, 1), p=st.floats(0, 1))
def test_zero_sum_methods_that_are_one(game_of, seed, eta, strength, p):
    game, sga = game_of(seed), optimizer("symplectic-gradient", step_size=eta, gamma=strength)
    others = {"lookahead": {"gamma": strength}, "jare": {"gamma": strength}, "lola": {"gamma": strength / 2}}
    for name, parameters in {**others, "sos": {"gamma": strength / (1 + p), "p": p}}.items():
        assert same_trajectory(game, sga, optimizer(name, step_size=eta, **parameters)), name
    linearised = optimizer("linearised-competitive-gradient", step_size=eta)
    assert same_trajectory(game, linearised, optimizer("symplectic-gradient", step_size=eta, gamma=eta))


def less_shaping(eta, strength):
    """w − η(v − λχ), χ_i = Σ_j (∂²L_j/∂w_j∂w_i)ᵀ ∂L_i/∂w_j: Foerster's first-order formula."""

    def update(d, w, _):
        players = range(len(w))
        chi = [sum(d.gradient((d.of(i, j).detach() * d.v[j]).sum(-1), i) for j in players if j != i) for i in players]
        return stepped(w, eta, [v - strength * c for v, c in zip(d.v, chi, strict=True)])

    return update


@zero_sum_game
@fewer
@given(seed=random_seed, eta=rate, strength=st.floats(-1, 1))
def test_zero_sum_sga_is_the_gradient_less_its_shaping(game_of, seed, eta, strength):
    agrees(game_of(seed), optimizer("symplectic-gradient", step_size=eta, gamma=strength), less_shaping(eta, strength), steps=20)


def test_the_gradient_less_its_shaping_is_another_method_where_the_game_is_not_zero_sum():
    with pytest.raises(AssertionError):
        agrees(general_sum(3), optimizer("symplectic-gradient", step_size=0.1, gamma=0.5), less_shaping(0.1, 0.5))


# 5


@few
@given(seed=random_seed, eta_x=rate, eta_y=rate)
def test_alternating_gradient_keeps_its_quadratic_form_at_every_step(seed, eta_x, eta_y):
    game, form = bilinear(seed), []
    for play in trajectory(game, optimizer("alternating-gradient", step_size=[eta_x, eta_y]), 100):
        x, y = play.w
        form.append((x**2).sum(-1) / eta_x + (y**2).sum(-1) / eta_y - game.losses(play.w, None, ())[0])
    torch.testing.assert_close(torch.stack(form), form[0].expand(len(form), -1), rtol=1e-13, atol=0)


# 6

NORMS = {
    "simultaneous-gradient": lambda h: 1 + h**2,
    "extragradient": lambda h: 1 - h**2 + h**4,
    "proximal-point": lambda h: 1 / (1 + h**2),
    "competitive-gradient": lambda h: 1 / (1 + h**2),
    "hamiltonian-gradient": lambda h: (1 - h**2) ** 2,  # of step size h²: w⁺ = w − h² JᵀJw/σ²
}


@pytest.mark.parametrize("name", NORMS)
@few
@given(seed=random_seed, eta=rate, sigma=st.floats(0.1, 2), size=st.integers(1, 4))
def test_norms_change_by_one_factor_where_all_singular_values_are_equal(name, seed, eta, sigma, size):
    orthogonal = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]
    h = eta * sigma
    game = Bilinear(matrix=tuple(map(tuple, (sigma * orthogonal).tolist())))
    plays = trajectory(game, optimizer(name, step_size=eta**2 if name == "hamiltonian-gradient" else eta), 20)
    norms = [inner(p.w, p.w) for p in plays]
    for before, after in itertools.pairwise(norms):
        torch.testing.assert_close(after, NORMS[name](h) * before, rtol=1e-10, atol=0)


# 7


@zero_sum_game
@fewer
@given(seed=random_seed, eta=rate)
def test_the_symplectic_adjustment_is_orthogonal_to_the_field_all_the_way(game_of, seed, eta):
    game = game_of(seed)
    for play in trajectory(game, optimizer("symplectic-gradient", step_size=eta, gamma=0.5), 10):
        v, j = flat(Derivatives(game, play.w))
        turn = apply((j - j.mT).mT / 2, v)
        assert ((v * turn).sum(-1).abs() <= 1e-13 * v.norm(dim=-1) * turn.norm(dim=-1).clamp_min(1e-12)).all()


@few
@given(seed=random_seed, eta=rate)
def test_hamiltonian_games_keep_the_energy_s_gradient_orthogonal_to_the_field(seed, eta):
    game = bilinear(seed)
    for play in trajectory(game, optimizer("symplectic-gradient", step_size=eta, gamma=0.5, aligned=True), 10):
        v, j = flat(Derivatives(game, play.w))
        pull = apply(j.mT, v)
        assert ((v * pull).sum(-1).abs() <= 1e-13 * v.norm(dim=-1) * pull.norm(dim=-1).clamp_min(1e-12)).all()


@pytest.mark.parametrize("game_of", [bilinear, linear_quadratic, zero_sum, general_sum], ids=lambda f: f.__name__)
@fewer
@given(seed=random_seed, eta=rate, strength=st.floats(0.01, 1), epsilon=st.floats(1e-3, 0.2))
def test_alignment_takes_the_sign_of_its_formula(game_of, seed, eta, strength, epsilon):
    game, signs = game_of(seed), []

    def update(d, w, _):
        v, j = flat(d)
        pull, turn = apply(j.mT, v), apply((j.mT - j) / 2, v)
        along = (v * pull).sum(-1) * (turn * pull).sum(-1) / v.shape[-1] + epsilon
        signs.append(along.sign())
        return stepped(w, eta, (v + strength * signs[-1][:, None] * turn).split([x.shape[-1] for x in w], -1))

    agrees(game, optimizer("symplectic-gradient", step_size=eta, gamma=strength, aligned=True, epsilon=epsilon), update)
    assert game_of is not bilinear or (torch.stack(signs) == 1).all()


# 8

BASES = ["simultaneous-gradient", "alternating-gradient", "extragradient", "heavy-ball"]


@any_game
@pytest.mark.parametrize("base", BASES)
@fewer
@given(seed=random_seed, eta=rate, k=st.integers(1, 6))
def test_lookahead_of_alpha_1_is_its_base_and_of_alpha_0_never_moves(game_of, base, seed, eta, k):
    game = game_of(seed)
    plain = {base: {"step_size": eta}}
    whole, back = (build("optimizer", {"lookahead-minmax": {"base": plain, "inner_steps": k, "alpha": a}}) for a in (1.0, 0.0))
    assert same_trajectory(game, whole, build("optimizer", plain))
    plays = trajectory(game, back, 4 * k)
    assert all(difference(play.w, plays[0].w) == 0 for play in plays[::k])


@any_game
@fewer
@given(seed=random_seed, eta=rate)
def test_one_move_each_is_the_alternating_gradient(game_of, seed, eta):
    game, method = game_of(seed), optimizer("alternating-gradient", step_size=eta, schedule=[1, 0])
    plays = trajectory(game, method, 20)
    for before, after in itertools.pairwise(plays):
        (x, y), oracle = before.w, oracle_of(game, before)
        y = y - eta * oracle.gradient(1, (x, y))
        assert difference(after.w, (x - eta * oracle.gradient(0, (x, y)), y)) <= 1e-13
    assert same_trajectory(
        game, optimizer("alternating-gradient", step_size=eta, schedule=[0, 1]), optimizer("alternating-gradient", step_size=eta)
    )


PLAIN = {
    "EG γ → 0": ("extragradient", {"extrapolation_step": 1e-300}),
    "OGDA κ = 0": ("optimistic-gradient", {"optimism": 0}),
    "heavy ball β = 0": ("heavy-ball", {"momentum": 0}),
    "Nesterov β = 0": ("nesterov", {"momentum": 0}),
    "complex β = 0": ("complex-momentum", {"momentum_modulus": 0}),
    "consensus γ = 0": ("consensus", {"gamma": 0}),
    "SGA λ = 0": ("symplectic-gradient", {"gamma": 0}),
    "LookAhead α = 0": ("lookahead", {"gamma": 0}),
    "JARE α = 0": ("jare", {"gamma": 0}),
    "GNR λ = 0": ("gradient-norm-regularized", {"gamma": 0}),
}


@pytest.mark.parametrize("case", PLAIN)
@any_game
@fewer
@given(seed=random_seed, eta=rate)
def test_nothing_added_is_the_simultaneous_gradient(case, game_of, seed, eta):
    name, parameters = PLAIN[case]
    plain = optimizer("simultaneous-gradient", step_size=eta)
    assert same_trajectory(game_of(seed), optimizer(name, step_size=eta, **parameters), plain)


@pytest.mark.parametrize("game_of", [linear_quadratic, zero_sum, general_sum], ids=lambda f: f.__name__)
@fewer
@given(seed=random_seed, eta=rate, alpha=st.floats(0.01, 1))
def test_sos_lies_between_lookahead_and_lola(game_of, seed, eta, alpha):
    for p, end in ((0, "lookahead"), (1, "lola")):
        one, other = optimizer("sos", step_size=eta, gamma=alpha, p=p), optimizer(end, step_size=eta, gamma=alpha)
        assert same_trajectory(game_of(seed), one, other)


@pytest.mark.parametrize("name", ["follow-the-ridge", "total-gradient", "competitive-gradient", "lola", "lookahead", "jare"])
@fewer
@given(seed=random_seed, eta=rate)
def test_without_coupling_nobody_looks_at_the_other(name, seed, eta):
    game = RandomGame(seed, coupling=0.0)
    assert same_trajectory(game, optimizer(name, step_size=eta), optimizer("simultaneous-gradient", step_size=eta))
