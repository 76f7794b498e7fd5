"""Statements of papers, talks and notebooks that do not hold as printed, each beside what does."""

import numpy as np
import pytest
import torch

import saddlebench
from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, oracle_of, seeds_of

from .trajectories import moved, optimizer, trajectory


def radius(game, name, **parameters):
    return saddlebench.spectral_radius(game, {name: parameters})


def test_a_win_only_payoff_of_rock_paper_scissors_keeps_the_equilibrium_but_neither_value_nor_spectrum():
    """Striner's lecture counts wins alone: uniform still, value ⅓ in place of 0, singular value 1 in place of √3."""
    wins = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    game, classic = build("game", {"matrix-game": {"payoff": wins}}), build("game", "rock-paper-scissors")
    (x, y), (u, _) = (g.equilibrium(seeds_of(1)) for g in (game, classic))
    torch.testing.assert_close(x, u, rtol=0, atol=1e-10)
    assert float(x @ torch.tensor(wins, dtype=x.dtype) @ y.mT) == pytest.approx(1 / 3, abs=1e-10)
    tangent = np.linalg.qr(np.array([[1.0, 1], [-1, 1], [0, -2]]))[0]
    for rows, singular in ((wins, 1.0), (classic.rows, 3**0.5)):
        assert np.linalg.svd(tangent.T @ np.array(rows) @ tangent, compute_uv=False) == pytest.approx([singular] * 2)


@pytest.mark.parametrize(("eta", "printed_weight", "tenth"), [(0.01, None, 0.8945), (0.032, 2.232, 0.7091), (0.1, None, 0.9055)])
def test_sga_beside_a_weak_attractor_has_the_weight_a_tenth(eta, printed_weight, tenth):
    """Letcher et al. 2019, §4.1: the λ = 1 of the text diverges at η = .032; λ = 0.1 behaves as it describes."""
    assert radius("weak-attractor", "symplectic-gradient", step_size=eta, gamma=0.1) == pytest.approx(tenth, abs=5e-5)
    if printed_weight:
        assert radius("weak-attractor", "symplectic-gradient", step_size=eta) == pytest.approx(printed_weight, abs=5e-4)


def test_the_optimistic_gradient_stops_converging_on_xy_at_1_over_the_root_of_3():
    """Letcher et al. 2019, §4.2 print a range up to 1.2 for the update; it holds for a learning rate of twice the step size."""
    limit = 3**-0.5
    assert radius("bilinear", "optimistic-gradient", step_size=limit * 0.999) < 1
    assert radius("bilinear", "optimistic-gradient", step_size=limit * 1.001) > 1
    assert radius("bilinear", "optimistic-gradient", step_size=limit) == pytest.approx(1, abs=1e-12)


def test_the_optimistic_gradient_on_four_players_stops_at_0_239():
    game = {"four-player": {"epsilon": 0.0}}
    limit = 3**-0.5 * np.tan(np.pi / 8)  # the largest eigenvalue is i cot(π/8)
    assert limit == pytest.approx(0.2391, abs=1e-4)
    assert (
        radius(game, "optimistic-gradient", step_size=limit * 0.999)
        < 1
        < radius(game, "optimistic-gradient", step_size=limit * 1.001)
    )


def test_negative_momentum_of_minus_a_half_is_the_first_player_s_alone():
    """Gidel et al. 2019, Theorem 6: the rate is that of (−½, 0), stable to ησ < √2; (−½, −½) ends at ησ = 1."""

    def rho(eta, momentum):
        return radius("bilinear", "alternating-heavy-ball", step_size=eta, momentum=momentum)

    assert rho(1.001, [-0.5, -0.5]) > 1 > rho(0.999, [-0.5, -0.5])
    assert rho(1.001 * 2**0.5, [-0.5, 0.0]) > 1 > rho(0.999 * 2**0.5, [-0.5, 0.0])
    assert rho(1.0, [-0.5, 0.0]) == pytest.approx(0.8721753570, abs=1e-9)
    assert rho(0.01, [-0.5, 0.0]) ** 2 == pytest.approx(1 - 2 / 9 * 0.01**2, abs=1e-7)


def test_extrapolation_as_nesterov_s_is_printed_is_a_longer_gradient_step():
    """Gidel et al. 2019, (16): w + β(w − w₋) with w½ = w − ηv in w's place, and w in w₋'s, is w − (1+β)ηv."""
    game, eta, beta = build("game", "quadratic"), 0.1, 0.7
    method = optimizer("simultaneous-gradient", step_size=(1 + beta) * eta)
    for play in trajectory(game, method, 10):
        w, v = play.w, oracle_of(game, play).field(play.w)
        half = moved(w, eta, (1, v))
        printed = tuple(h + beta * (h - x) for h, x in zip(half, w, strict=True))
        torch.testing.assert_close(advance(game, method, play, 1).w, printed, rtol=1e-12, atol=1e-13)
    nesterov = optimizer("nesterov", step_size=eta, momentum=beta)
    start = begin(game, nesterov, seeds_of(1))
    plain = begin(game, method, seeds_of(1))
    gap = advance(game, nesterov, start, 2).w[0] - advance(game, method, plain, 2).w[0]
    assert gap.abs().max() > 1e-4


def test_a_ring_drawn_from_both_ends_of_a_circle_has_seven_modes():
    """A notebook spaces 8 means from 0 to 2π with both ends: seven modes, one of double weight. Ours are eight."""
    angles = np.linspace(0, 2 * np.pi, 8)
    closed = np.stack((np.cos(angles), np.sin(angles)), -1).round(12) + 0.0
    assert len(np.unique(closed, axis=0)) == 7
    means = build("game", "gaussian-ring").means().numpy()
    apart = np.linalg.norm(means - np.roll(means, 1, 0), axis=-1)
    assert apart == pytest.approx([2 * np.sin(np.pi / 8)] * 8, rel=1e-5)
