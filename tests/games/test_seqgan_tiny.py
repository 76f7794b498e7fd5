import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.game_points import spot_of
from saddlebench.bench.contracts.playing import advance, begin
from saddlebench.errors import InputError
from saddlebench.games.losses import policy_gradient
from saddlebench.games.seqgan_tiny import Enumerated, SeqGANTiny
from saddlebench.optimizers import OPTIMIZERS

SEEDS = torch.tensor([2, 4, 8])


def double(w):
    return tuple(x.double() for x in w)


def test_losses_are_their_formulas_on_fixed_numbers():
    """Two tokens, one place: p = (σ(1), σ(−1)), q of the oracle, D = (.5, −2)."""
    game = SeqGANTiny(2, 1)
    w = (torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.5, -2.0]]).double())
    q = torch.tensor([[0.3, 0.7]]).double()
    s, d = torch.sigmoid(torch.tensor([1.0, -1.0]).double()), torch.tensor([0.5, -2.0]).double()
    generator, discriminator = game.losses(w, None, (q,))
    torch.testing.assert_close(generator, -(s * d.sigmoid()).sum(0, keepdim=True))
    expected = (q[0] * (1 + (-d).exp()).log() + s * (1 + d.exp()).log()).sum(0, keepdim=True)
    torch.testing.assert_close(discriminator, expected)


@pytest.mark.parametrize("form", ["tables", "networks"])
def test_the_expected_policy_gradient_is_the_enumerated_gradient(form):
    """Σ_Y p(Y) ∇(−Σ_t log G(y_t | y_<t) Q_t) = ∇L_G where Q_t = E[σ(D) | y_1 … y_t], all by enumeration."""
    game = SeqGANTiny(3, 3, form)
    w = tuple(x.double().requires_grad_() for x in game.initial(SEEDS))
    (expected,) = torch.autograd.grad(game.losses(w, None, game.buffers(w, SEEDS))[0].sum(), w[0])
    seen = Enumerated(game, w)
    logs = game.networks["generator"](w[0], game.sequences(SEEDS.device).expand(3, -1, -1))  # (runs, 27, 3)
    p, reward = seen.log_probabilities.exp().detach(), seen.logits.sigmoid().detach()
    values = []
    for t in (1, 2, 3):  # sequences are in order, so those of one beginning lie together
        groups = (3, 3**t, 3 ** (3 - t))
        mean = (p * reward).view(groups).sum(-1) / p.view(groups).sum(-1)
        values.append(mean.repeat_interleave(groups[2], 1))
    weighted = logs * p.unsqueeze(-1) * 27  # policy_gradient takes the plain mean over sequences
    (found,) = torch.autograd.grad(policy_gradient(weighted, torch.stack(values, -1)).sum(), w[0])
    torch.testing.assert_close(found, expected)


def test_the_best_critic_is_the_log_ratio():
    game = SeqGANTiny()
    w = double(game.initial(SEEDS))
    (q,) = game.buffers(w, SEEDS)
    best = (q.log() - Enumerated(game, w).log_probabilities).requires_grad_()
    (slope,) = torch.autograd.grad(game.losses((w[0], best), None, (q,))[1].sum(), best)
    assert float(slope.abs().max()) < 1e-15


def test_the_jacobian_at_the_equilibrium_has_the_block_of_half_the_oracle():
    game = SeqGANTiny()
    rest = game.equilibrium(SEEDS)
    assert rest is not None
    spot = spot_of(game)
    (q,) = game.buffers(rest, SEEDS)
    at = type(spot)(game, SEEDS, rest, None, (q,)).oracle().at(rest)
    for k in (0, 13, 26):
        u = torch.zeros_like(rest[1])
        u[:, k] = 1
        torch.testing.assert_close(at.block(1, 1, u, False), u * q / 2)
    u = torch.ones_like(rest[0])
    u[:, 0] = 3
    assert float(at.block(0, 0, u, False).abs().max()) < 1e-15


def test_measures_are_zero_where_generator_and_oracle_agree():
    game = SeqGANTiny()
    w = game.equilibrium(SEEDS)
    assert w is not None
    buffers = game.buffers(w, SEEDS)
    found = game.measures(w, SEEDS, buffers)
    (q,) = buffers
    entropy = -(q * q.log()).sum(-1) / 3
    for name, value in {
        "kl_to_generator": 0 * entropy,
        "total_variation": 0 * entropy,
        "nll_oracle": entropy,
        "nll_test": entropy,
    }.items():
        torch.testing.assert_close(found[name], value, atol=1e-12, rtol=0)


@pytest.mark.parametrize("form", ["tables", "networks"])
def test_a_point_a_sequence_shows_the_oracle_s_probability_and_the_generator_s(form):
    game = SeqGANTiny(form=form)
    start = game.initial(SEEDS)
    (q,) = game.buffers(start, SEEDS)
    sets = game.clouds((game.oracle(SEEDS).to(q), start[1]), SEEDS, (q,))["probabilities"]
    torch.testing.assert_close(sets["p"], torch.stack((q, q), -1))
    assert torch.equal(sets["p = q"][..., 0], sets["p = q"][..., 1])
    torch.testing.assert_close(sets["p = q"].amax((1, 2)), q.amax(-1))
    torch.testing.assert_close(sets["p at the start"][..., 1].sum(-1), torch.ones(3))
    assert float((sets["p at the start"] - sets["p"]).abs().amax()) > 0.01


def test_too_many_sequences_are_refused():
    with pytest.raises(InputError, match="too many to be listed"):
        build("game", {"seqgan-tiny": {"tokens": 10, "length": 5}})


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_plays_it_or_says_why_not(name):
    game, optimizer = SeqGANTiny.small(), build("optimizer", name)
    reason = optimizer.applies_to(game)
    if reason is not None:
        assert len(reason.split()) >= 3
        return
    end = advance(game, optimizer, begin(game, optimizer, SEEDS, double(game.initial(SEEDS))), 3)
    assert all(x.isfinite().all() for x in end.w)
