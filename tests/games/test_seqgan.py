import dataclasses
import math

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.errors import InputError
from saddlebench.games.losses import policy_gradient
from saddlebench.games.networks.tables import all_sequences
from saddlebench.games.seqgan import Drawn, SeqGAN, frequencies
from saddlebench.games.seqgan_tiny import SeqGANTiny

SEEDS = torch.tensor([2, 4, 8])
GAME = SeqGAN.small()


def double(tree):
    return tuple(x.double() for x in tree)


def test_policy_gradient_on_fixed_numbers():
    logs = torch.tensor([[[-1.0, -2.0], [-0.5, 0.0]]])
    values = torch.tensor([[[0.5, 0.25], [1.0, 3.0]]])
    assert policy_gradient(logs, values).tolist() == [(0.5 + 0.5 + 0.5) / 2]


def test_losses_are_their_formulas():
    w, sample = GAME.initial(SEEDS), GAME.sample(SEEDS, 3, 0)
    seen = Drawn(GAME, w, sample, GAME.buffers(w, SEEDS))
    generator, discriminator = GAME.losses(w, sample, seen.buffers)
    y, logs, q = seen.sequences, seen.log_probabilities(seen.sequences), seen.values
    assert logs.shape == q.shape == y.shape == (3, 4, 3)
    expected = -(logs * q).sum((1, 2)) / 4
    torch.testing.assert_close(generator, expected)
    real, fake = seen.judged(sample.real), seen.judged(y)
    torch.testing.assert_close(discriminator, ((1 + (-real).exp()).log() + (1 + fake.exp()).log()).mean(-1))
    torch.testing.assert_close(q[..., -1], fake.sigmoid())


def test_values_are_means_over_completions_by_the_rollout_policy():
    """With an overwhelming first token the completions are known: that token for ever."""
    w, sample = GAME.initial(SEEDS), GAME.sample(SEEDS, 3, 0)
    policy = torch.zeros_like(w[0])
    GAME.lstm.named(policy)["output.bias"][:, 2] = 1e3
    seen = Drawn(GAME, w, sample, (policy,))
    for t in (1, 2):
        completed = torch.cat((seen.sequences[..., :t], torch.full((3, 4, 3 - t), 2)), -1)
        torch.testing.assert_close(seen.values[..., t - 1], seen.judged(completed).sigmoid())


def test_pretraining_is_maximum_likelihood():
    game = dataclasses.replace(GAME, pretraining=5)
    w = game.initial(SEEDS)
    before, after = (game.sample(SEEDS, step, 0) for step in (4, 5))
    assert not before.adversarial
    assert after.adversarial
    assert before.rollouts.numel() == 0
    buffers = game.buffers(w, SEEDS)
    torch.testing.assert_close(game.losses(w, before, buffers)[0], -game.lstm(w[0], before.real).sum((1, 2)) / 4)
    assert torch.equal(
        GAME.loss_of(1, w, GAME.sample(SEEDS, 4, 0), buffers), game.loss_of(1, w, before, buffers)
    )  # D's is the same


def test_the_rollout_policy_follows_the_generator():
    w = GAME.initial(SEEDS)
    policy = GAME.buffers(w, SEEDS)
    (moved,) = GAME.advance((w[0] + 1, w[1]), policy)
    torch.testing.assert_close(moved, w[0] + 0.2)


@pytest.mark.parametrize("player", [0, 1])
def test_expected_gradients_are_those_of_the_enumerated_game(player):
    """Over 256 samples of 200 sequences each; the rollout policy is G, and one completion a prefix is unbiased too."""
    tiny = SeqGANTiny(3, 3, "networks", 3)
    game = SeqGAN(3, 3, 3, 3, 3, (1, 2, 3), 200, 1, 0.0, 0, items=1000, start=0.5)
    assert game.sizes == tiny.sizes
    seeds = torch.arange(256)
    generator, discriminator = double(tiny.initial(seeds[:1]))
    w = generator, 4 * discriminator  # rewards that differ: those of a new D are all about ½
    truth, _, _ = game.data(seeds.device)
    every = all_sequences(3, 3).unsqueeze(0)
    exact = tuple(x.clone().requires_grad_() for x in w)
    q = game.lstm(truth.double(), every).sum(-1).exp()
    (expected,) = torch.autograd.grad(tiny.losses(exact, None, (q,))[player].sum(), exact[player])

    many = tuple(x.expand(256, -1).clone().requires_grad_() for x in w)
    sample = game.sample(seeds, 0, 0)
    real = game.lstm.generate(truth.double().expand(256, -1), sample.uniforms.flip(1))  # fresh data: not those of a finite set
    loss = game.losses(many, sample._replace(real=real), (many[0].detach(),))[player]
    (found,) = torch.autograd.grad(loss.sum(), many[player])
    error = found.std(0) / math.sqrt(256)
    z = (found.mean(0) - expected[0]).abs() / error.clamp_min(1e-12)
    moving = expected[0].abs() > 1e-9
    assert moving.any()
    assert float(z[moving].max()) < 4.5
    torch.testing.assert_close(found.mean(0)[~moving], expected[0][~moving], atol=1e-6, rtol=0)
    assert float(error[moving].max()) < 0.2 * float(expected.abs().max())  # sharp enough to tell a wrong factor


def test_measures_of_the_oracle_itself_are_its_entropy():
    game = SeqGAN(4, 3, 3, 3, 2, (1, 2), 4, 2, items=64)
    truth, _, _ = game.data(SEEDS.device)
    w = game.initial(SEEDS)
    found = game.measures((truth.expand(3, -1), w[1]), SEEDS, ())
    logs = game.lstm(truth, all_sequences(4, 3).unsqueeze(0)).sum(-1)
    entropy = float(-(logs.exp() * logs).sum() / 3)
    assert found["nll_test"].tolist() == pytest.approx([entropy] * 3, abs=0.05)
    assert found["nll_oracle"].tolist() == pytest.approx([entropy] * 3, abs=0.05)


def test_frequencies_of_pairs_on_fixed_numbers():
    y = torch.tensor([[[0, 1, 1], [0, 1, 0]], [[2, 2, 2], [1, 2, 2]]])
    assert frequencies(y, 3).tolist() == [[[0, 0.5, 0], [0.25, 0.25, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0.25], [0, 0, 0.75]]]
    assert frequencies(y[..., :1], 3).abs().sum() == 0


def test_the_oracle_s_transitions_are_those_of_its_data_and_a_uniform_generator_s_are_grey():
    game = SeqGAN(4, 3, 3, 3, 2, (1, 2), 4, 2, items=64)
    w, truth = game.initial(SEEDS), game.data(SEEDS.device)[0][0]
    generators = torch.stack((truth, 0 * truth, torch.full_like(truth, torch.nan)))
    strip = game.pictures((generators, w[1]), SEEDS, ())["transitions"]
    side = 4 * 37
    assert strip.shape == (3, 1, 2, side, side)
    torch.testing.assert_close(strip[..., ::37, ::37], strip[..., 36::37, 36::37], atol=0, rtol=0, equal_nan=True)  # squares
    data, drawn = (((strip[:, 0, k, ::37, ::37] + 1) / 2).square() * 20 / 16 for k in range(2))  # back to shares
    logs = game.lstm(truth[None], all_sequences(4, 3)[None])[0].sum(-1).exp()
    exact = torch.zeros(4, 4)
    for y, p in zip(all_sequences(4, 3), logs, strict=True):
        exact[y[0], y[1]] += p / 2
        exact[y[1], y[2]] += p / 2
    rank = torch.bincount(game.data(SEEDS.device)[1].flatten(), minlength=4).argsort(descending=True, stable=True)
    for found in (data[0], drawn[0]):
        torch.testing.assert_close(found, exact[rank][:, rank], atol=0.05, rtol=0)
    torch.testing.assert_close(drawn[1], torch.full((4, 4), 1 / 16), atol=0.02, rtol=0)
    assert drawn[2].isnan().all()
    assert data[2].isfinite().all()


def test_too_large_a_batch_is_refused():
    with pytest.raises(InputError, match="larger than the data"):
        build("game", {"seqgan": {"batch": 20000}})
