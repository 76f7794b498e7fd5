"""Methods of a leader and a follower against their formulas, and unrolling."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saddlebench.bench.build import build
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.bench.contracts.optimizer_steps import batch_equals_runs_alone_on_a_network
from saddlebench.bench.contracts.playing import advance, begin, difference, oracle_of, seeds_of
from saddlebench.bench.spectrum import at_equilibrium
from saddlebench.games.quadratic import Quadratic

from .random_games import SOLVED, Derivatives, agrees, apply, stepped, two_players
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
