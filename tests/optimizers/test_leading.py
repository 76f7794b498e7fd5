"""Methods of a leader and a follower against their formulas, and unrolling."""

import itertools
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saddlebench.bench.build import build
from saddlebench.bench.contracts.arenas import Arena
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.bench.contracts.optimizer_steps import batch_equals_runs_alone_on_a_network
from saddlebench.bench.contracts.playing import advance, begin, difference, oracle_of, seeds_of
from saddlebench.bench.oracle import Counts
from saddlebench.bench.spectrum import at_equilibrium
from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.game import Game
from saddlebench.games.quadratic import Quadratic

from .random_games import SOLVED, Derivatives, RandomGame, agrees, apply, stepped, two_players
from .trajectories import fewer, optimizer, random_seed, rate, trajectory


def replied(d, b, damping=0.0):
    """(g_yy + δI)⁻¹ b."""
    return torch.linalg.solve(d.block(1, 1) + damping * torch.eye(b.shape[-1], dtype=torch.float64), b)


@fewer
@given(seed=random_seed, eta=rate, beta=st.floats(-0.5, 0.5), total=st.sampled_from([None, True, False]))
def test_ridge_methods_solve_with_the_followers_hessian(seed, eta, beta, total):
    game = two_players(seed)

    def leader(d):
        return d.v[0] - apply(d.block(1, 0).mT, replied(d, d.of(0, 1)))

    def ridge(d, w, last):
        x = leader(d) if (not game.zero_sum if total is None else total) else d.v[0]
        along = stepped(w, eta, (x, d.v[1] - replied(d, apply(d.block(1, 0), x))))
        return tuple(a + beta * (b - c) for a, b, c in zip(along, w, last, strict=True))

    agrees(game, optimizer("follow-the-ridge", step_size=eta, momentum=beta, total=total), ridge, SOLVED)
    agrees(game, optimizer("total-gradient", step_size=eta), lambda d, w, _: stepped(w, eta, (leader(d), d.v[1])), SOLVED)


@fewer
@given(seed=random_seed, eta=rate)
def test_newton_methods_answer_the_leaders_move(seed, eta):
    game = two_players(seed)

    def answered(x, w):
        d = Derivatives(game, (x, w[1]))
        return x.detach(), (w[1] - replied(d, d.v[1])).detach()

    def complete(d, w, _):
        schur = d.block(0, 0) - d.block(0, 1) @ torch.linalg.solve(d.block(1, 1), d.block(1, 0))
        return answered(w[0] - torch.linalg.solve(schur, d.v[0]), w)

    agrees(game, optimizer("gradient-descent-newton", step_size=eta), lambda d, w, _: answered(w[0] - eta * d.v[0], w), SOLVED)
    agrees(game, optimizer("complete-newton"), complete, 1e-7, steps=2)


def test_a_preconditioned_ridge_uses_the_rules_direction_everywhere():
    game, rule = two_players(3), build("rule", {"rmsprop": {"smoothing": 0.9, "epsilon": 1e-3}})
    method = optimizer("follow-the-ridge", step_size=0.05, rule=rule)
    for play in trajectory(game, method, 5):
        d = Derivatives(game, play.w)
        total = (d.v[0], d.v[1]) if game.zero_sum else (d.v[0] - apply(d.block(1, 0).mT, replied(d, d.of(0, 1))), d.v[1])
        x, y = (rule.direction(i, play.w[i], g.detach(), play.state.rules[i])[0] for i, g in enumerate(total))
        wanted = stepped(play.w, 0.05, (x, y - replied(d, apply(d.block(1, 0), x))))
        assert difference(advance(game, method, play, 1).w, wanted) <= SOLVED


def test_both_forms_and_both_momenta_of_the_ridge_have_one_spectrum():
    game = Quadratic(p=((-6.0, 0.5), (0.5, 2.0)), matrix=((4.0,), (1.0,)), q=((2.0,),))
    forms = ({"momentum": 0.3}, {"momentum": 0.3, "total": True}, {"rule": {"momentum": {"momentum": 0.3}}})
    radii = [at_equilibrium(game, optimizer("follow-the-ridge", step_size=0.05, **form)).radius for form in forms]
    assert radii == pytest.approx([radii[0]] * 3, rel=1e-9)


def test_the_ridge_is_left_where_there_is_no_minimax_and_followed_where_there_is():
    """f₁ = −3x² − y² + 4xy and f₂ = 3x² + y² + 4xy of the authors' code, at their η; f₂ has no local minimax at 0."""
    for p, q, ridge, keeps in ((-6.0, 2.0, 0.9, False), (6.0, -2.0, 1.1, True)):
        game = Quadratic(((p,),), ((4.0,),), ((q,),))
        assert at_equilibrium(game, optimizer("follow-the-ridge", step_size=0.05)).radius == pytest.approx(ridge, rel=1e-9)
        simultaneous = at_equilibrium(game, optimizer("simultaneous-gradient", step_size=0.05)).radius
        assert simultaneous == pytest.approx(0.9, rel=1e-6) if keeps else simultaneous > 1


@fewer
@given(seed=random_seed, eta=rate, count=st.integers(1, 4), alternating=st.booleans())
def test_unrolling_differentiates_through_the_inner_steps(seed, eta, count, alternating):
    game = two_players(seed)

    def expected(_, w, __):
        x, y = (a.detach().requires_grad_() for a in w)
        reply = y
        for _ in range(count):
            loss = game.losses((x, reply), None, ())[1]
            reply = reply - 0.2 * torch.autograd.grad(loss.sum(), reply, create_graph=True)[0]
        moved = x - eta * torch.autograd.grad(game.losses((x, reply), None, ())[0].sum(), x)[0]
        seen = moved.detach() if alternating else x
        return moved.detach(), (y - eta * torch.autograd.grad(game.losses((seen, y), None, ())[1].sum(), y)[0]).detach()

    parameters = {"inner_step_size": 0.2, "inner_steps": count, "alternating": alternating}
    agrees(game, optimizer("unrolled", step_size=eta, **parameters), expected)


def test_unrolling_through_adam_has_the_derivative_of_its_adam_steps():
    game, inner_rule = two_players(4), {"adam": {"betas": [0.5, 0.9]}}
    method = optimizer("unrolled", step_size=1.0, inner_step_size=0.1, inner_steps=3, inner_rule=inner_rule)
    play = begin(game, method, seeds_of(2))
    total = play.w[0] - advance(game, method, play, 1).w[0]

    def value(x):
        w = method.ahead(oracle_of(game, play), (x, play.w[1]))
        return game.losses(w, None, ())[0]

    for k in range(total.shape[-1]):
        h = 1e-5 * torch.eye(total.shape[-1], dtype=torch.float64)[k]
        numeric = (value(play.w[0] + h) - value(play.w[0] - h)) / 2e-5
        torch.testing.assert_close(numeric, total[:, k], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["follow-the-ridge", "total-gradient", "gradient-descent-newton", "complete-newton"])
def test_a_singular_follower_is_refused_without_damping_and_played_with_it(name):
    for game in ("bilinear", "rock-paper-scissors", "dirac-gan", {"quadratic": {"q": [[0.0]]}}):
        reason = optimizer(name).applies_to(build("game", game)) or ""
        assert "damping" in reason or "simplex" in reason
    damped = optimizer(name, damping=1.0, step_size=0.01)
    assert damped.applies_to(build("game", "bilinear")) is None
    finding = run_checks([batch_equals_runs_alone_on_a_network], damped)[0]
    assert finding.status == "ok", finding.message


@fewer
@given(seed=random_seed, damping=st.floats(0.1, 2))
def test_damping_is_added_to_the_hessian_or_to_its_square(seed, damping):
    game = two_players(seed)

    def ridge(d, w, _):
        h = d.block(1, 1)
        b = apply(d.block(1, 0), d.v[0])
        inverse = torch.linalg.solve(h @ h + damping * torch.eye(b.shape[-1], dtype=torch.float64), apply(h, b))
        return stepped(w, 0.1, (d.v[0], d.v[1] - inverse))

    def leader(d, w, _):
        return stepped(w, 0.1, (d.v[0] - apply(d.block(1, 0).mT, replied(d, d.of(0, 1), damping)), d.v[1]))

    agrees(game, optimizer("follow-the-ridge", total=False, damping=damping), ridge, SOLVED)
    agrees(game, optimizer("total-gradient", damping=damping), leader, SOLVED)


def test_an_adaptive_damping_falls_where_the_model_is_exact():
    """On a quadratic game g_y is linear: what the correction undoes is what its model says, and δ is 0.9ᵗ."""
    game = build("game", {"quadratic": {"p": [[-6.0]], "matrix": [[4.0]], "q": [[2.0]]}})
    method = optimizer("follow-the-ridge", step_size=0.05, damping=1.0, iterations=5, adaptive=True)
    plays = trajectory(game, method, 30)
    for t, (before, after) in enumerate(itertools.pairwise(plays)):
        assert before.state.damping.flatten().tolist() == pytest.approx([0.9**t] * 3)
        x, y = before.w
        bent = 0.05 * 4 * (-6 * x + 4 * y)  # −f_xy Δx; g_yx = −4, so the correction is −g_yy b with b = f_xy Δx
        wanted = (x - 0.05 * (-6 * x + 4 * y), y - 0.05 * (2 * y - 4 * x) - 2 * bent / (4 + 0.9**t))
        assert difference(after.w, wanted) <= 1e-12


@dataclass(frozen=True)
class Wave(Game):
    """f = Σ x²/2 + xy − 3(1 − cos 2y) − y²/20: the follower's Hessian changes its sign along the way."""

    name = "wave"
    players, sizes, zero_sum = ("x", "y"), (2, 2), True  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]

    def initial(self, seeds):
        return tuple(2 * normal(seeds, f"start {i}", 2) for i in (0, 1))

    def losses(self, profile, sample, buffers):
        x, y = profile
        value = (x**2 / 2 + x * y - 3 * (1 - (2 * y).cos()) - y**2 / 20).sum(-1)
        return value, -value


def test_an_adaptive_damping_is_the_authors():
    """Their rule by hand, run by run, with a factorisation; every branch of it is taken."""
    game, eta = Wave(), 0.5
    method = optimizer("follow-the-ridge", step_size=eta, damping=1.0, iterations=20, adaptive=True)
    plays, factors = trajectory(game, method, 40), set()
    for before, after in itertools.pairwise(plays):
        d = Derivatives(game, before.w)
        h, cross = d.block(1, 1), d.block(1, 0)
        for r in range(3):
            delta = float(before.state.damping[r])
            b = eta * cross[r] @ d.v[0][r]  # what the correction is to undo, to first order: g_y moves by −b
            s = torch.linalg.solve(h[r] @ h[r] + delta * torch.eye(2, dtype=torch.float64), h[r] @ b)
            moved = (before.w[0][r] - eta * d.v[0][r]).detach(), (before.w[1][r] + s).detach()
            ahead = Derivatives(game, tuple(x[None] for x in moved)).v[1][0]
            model = 1 - (h[r] @ s - b).square().sum() / b.square().sum()
            true = 1 - (ahead - d.v[1][r]).square().sum() / b.square().sum()
            ratio = float((true / model).detach())
            factor = 2.0 if ratio < 0 or true < 0 else 1.1 if ratio < 0.5 else 0.9 if ratio > 0.95 else 1.0
            factors.add(factor)
            assert float(after.state.damping[r]) == pytest.approx(min(delta * factor, 1.0), rel=1e-9)
            wanted = before.w[1][r] - eta * d.v[1][r] + (s if factor < 2 else 0 * s)
            torch.testing.assert_close(after.w[1][r], wanted.detach(), rtol=1e-8, atol=1e-9)
    assert factors == {2.0, 1.1, 0.9, 1.0}


def test_an_adaptive_damping_needs_a_start_and_has_no_spectrum():
    with pytest.raises(InputError, match="damping"):
        optimizer("follow-the-ridge", adaptive=True)
    assert not optimizer("follow-the-ridge", adaptive=True, damping=1.0).smooth
    counts, game = Counts(2), Arena()
    method = optimizer("follow-the-ridge", adaptive=True, damping=1.0, iterations=2)
    advance(game, method, begin(game, method, seeds_of(2)), 1, counts)
    assert (counts.gradients, counts.products) == (1.5, 1 + 2 + 0.5)


@fewer
@given(seed=random_seed, eta=rate, beta=st.floats(-0.5, 0.5))
def test_the_authors_momentum_keeps_the_correction_out_of_the_velocity(seed, eta, beta):
    """u⁺ = βu + v, x⁺ = x − ηu_x, y⁺ = y − ηu_y + η g_yy⁻¹ g_yx u_x, by hand."""
    game = RandomGame(seed, (2, 2))
    method = optimizer("follow-the-ridge", step_size=eta, rule={"momentum": {"momentum": beta}})
    plays, velocity = trajectory(game, method, 10), [0.0, 0.0]
    for before, after in itertools.pairwise(plays):
        d = Derivatives(game, before.w)
        velocity = [(beta * u + v).detach() for u, v in zip(velocity, d.v, strict=True)]
        bent = replied(d, apply(d.block(1, 0), velocity[0])).detach()
        wanted = before.w[0] - eta * velocity[0], before.w[1] - eta * velocity[1] + eta * bent
        assert difference(after.w, wanted) <= SOLVED
