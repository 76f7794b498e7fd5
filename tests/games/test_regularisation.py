"""Losses × penalties: zero-sum exactly where it is; clipping, instance noise, label smoothing."""

import math

import pytest
import torch
from torch.nn.functional import softplus

from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.errors import InputError
from saddlebench.games.losses import LOSSES, adversarial_loss
from saddlebench.optimizers import OPTIMIZERS

SEEDS = torch.tensor([3, 7, 11, 2**40])
PENALTIES = ("gradient_penalty", "dragan", "r1", "r2", "feature_matching", "historical_averaging")
ZERO_SUM = {"minimax", "wasserstein", "kl", "reverse-kl", "pearson", "hellinger", "jensen-shannon"}


@pytest.mark.parametrize("penalty", ["", *PENALTIES])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_zero_sum_is_true_exactly_where_it_is(plane, loss, penalty):
    """L_G + L_D at generic points: 0 for every sample and profile, or not."""
    game = plane(loss=loss, **({penalty: 0.5} if penalty else {}))
    profile = game.initial(SEEDS)
    total = torch.stack(game.losses(profile, game.sample(SEEDS, 0, 0), game.buffers(profile, SEEDS))).detach().sum(0)
    if game.zero_sum:
        assert float(total.abs().max()) < 1e-13
    else:
        assert float(total.abs().min()) > 1e-6
    assert game.zero_sum == (loss in ZERO_SUM and not penalty)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", list(LOSSES))
def test_the_sum_depends_on_generated_logits_exactly_where_the_loss_is_not_zero_sum(name, smoothing):
    if smoothing and name not in ("minimax", "non-saturating", "lsgan"):
        with pytest.raises(InputError, match=f"not of {name}"):
            adversarial_loss(name, smoothing)
        return
    generator = torch.Generator().manual_seed(0)
    real, fake = (2 * torch.randn(4, 16, generator=generator, dtype=torch.float64) for _ in range(2))
    fake.requires_grad_()
    loss = adversarial_loss(name, smoothing)
    (slope,) = torch.autograd.grad(sum(loss.both(real, fake), torch.zeros(())).sum(), fake, materialize_grads=True)
    assert loss.zero_sum == (float(slope.abs().max()) < 1e-14)


# Clipping


def accepted(game):
    """Every optimizer that plays this game with its defaults, and its steps."""
    return [name for name in OPTIMIZERS if build("optimizer", name).applies_to(game) is None]


def test_plain_extrapolated_and_adaptive_methods_take_clipped_games(plane):
    wanted = {
        "simultaneous-gradient",
        "alternating-gradient",
        "extragradient",
        "adam",
        "extra-adam",
        "rmsprop",
        "projected-gradient",
    }
    assert wanted <= set(accepted(plane(clip=0.1)))


@pytest.mark.parametrize("name", [*OPTIMIZERS])
def test_clipping_keeps_the_discriminator_in_its_box(plane, name):
    """Steps large enough to leave the box are brought back, and the generator is left alone."""
    game, optimizer = plane(clip=0.1, loss="wasserstein"), build("optimizer", name)
    reason = optimizer.applies_to(game)
    if reason is not None:
        assert "box" in reason or "damping" in reason  # it says why it does not play
        return
    w = game.initial(SEEDS)
    assert float(w[1].abs().max()) == 0.1  # the start is clipped too
    counts = Counts(2)
    state = optimizer.init(Oracle.at_step(game, SEEDS, 0, (), counts), w)
    for step in range(4):
        w, state = optimizer.step(Oracle.at_step(game, SEEDS, step, (), counts), w, state)
        assert float(w[1].abs().max()) <= 0.1
        for answer in optimizer.answers(w, state).values():
            assert float(answer[1].abs().max()) <= 0.1 + 1e-12
    assert float(w[0].abs().max()) > 0.1


def test_without_clipping_there_is_no_box(plane):
    x = torch.full((4, 12), 9.0)
    assert plane().domain == ("unconstrained", "unconstrained")
    assert plane(clip=0.1).domain == ("unconstrained", "box")
    assert torch.equal(plane().project(1, x), x)
    assert torch.equal(plane(clip=0.1).project(0, x), x)
    assert torch.equal(plane(clip=0.1).project(1, x), torch.full((4, 12), 0.1))


# Instance noise


def spread(game, step):
    blur = game.sample(SEEDS, step, 0).blur
    return 0.0 if blur is None else float(blur.std())


def test_instance_noise_falls_linearly_to_nothing(plane):
    game = plane(instance_noise=0.5, instance_noise_steps=10, batch=4000)
    for step in range(13):
        assert spread(game, step) == pytest.approx(0.5 * max(0.0, 1 - step / 10), rel=0.02)
    assert game.sample(SEEDS, 10, 0).blur is None
    kept = plane(instance_noise=0.5, batch=4000)
    assert spread(kept, 1000) == pytest.approx(0.5, rel=0.02)
    assert plane().sample(SEEDS, 0, 0).blur is None


def test_instance_noise_is_on_every_input_of_the_discriminator_and_differs(plane):
    game = plane(instance_noise=0.3, form="quadratic")
    w, sample = game.initial(SEEDS), game.sample(SEEDS, 0, 0)
    blur = sample.blur
    assert blur.shape == (4, 2, 5, 2)
    assert not torch.equal(blur[:, 0], blur[:, 1])
    fake, real = game.generate(w[0], sample.latents) + blur[:, 0], sample.real + blur[:, 1]
    expected = game.adversarial.both(game.logits(w[1], real), game.logits(w[1], fake))
    torch.testing.assert_close(game.losses(w, sample, ()), expected, rtol=1e-12, atol=1e-12)


def test_penalties_see_no_instance_noise(plane):
    noisy, clear = (plane(r1=1.0, r2=1.0, instance_noise=s) for s in (0.3, 0.0))
    w = clear.initial(SEEDS)
    bare = plane(instance_noise=0.3)
    added = noisy.losses(w, noisy.sample(SEEDS, 0, 0), ())[1] - bare.losses(w, bare.sample(SEEDS, 0, 0), ())[1]
    sample = clear.sample(SEEDS, 0, 0)
    torch.testing.assert_close(added, clear.losses(w, sample, ())[1] - plane().losses(w, plane().sample(SEEDS, 0, 0), ())[1])


# Label smoothing


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
def test_smoothed_labels_move_the_best_logit_to_the_target(name):
    """E of (1 − s) sp(−r) + s sp(r) is least at σ(r) = 1 − s; without smoothing it has no least value."""
    loss = adversarial_loss(name, 0.1)
    best = torch.tensor([math.log(0.9 / 0.1)], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(loss.on_real(best).sum(), best, create_graph=True)
    assert float(slope.detach()) == pytest.approx(0, abs=1e-15)
    assert float(torch.autograd.grad(slope.sum(), best)[0]) > 0


def test_smoothing_is_one_sided_and_written_out():
    r = torch.linspace(-3, 3, 7, dtype=torch.float64)
    for name in ("minimax", "non-saturating", "lsgan"):
        plain, smooth = adversarial_loss(name), adversarial_loss(name, 0.2)
        assert torch.equal(plain.on_fake(r), smooth.on_fake(r))
        cross_entropy = -(0.8 * torch.sigmoid(r).log() + 0.2 * torch.sigmoid(-r).log())
        expected = (r - 0.8) ** 2 / 2 if name == "lsgan" else cross_entropy
        torch.testing.assert_close(smooth.on_real(r), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(adversarial_loss("minimax").on_real(r), softplus(-r))


def test_the_games_parameter_reaches_the_loss(plane):
    w, sample = plane().initial(SEEDS), plane().sample(SEEDS, 0, 0)
    smooth, plain = plane(label_smoothing=0.2), plane()
    real = plain.logits(w[1], sample.real)
    expected = (0.2 * softplus(real) - 0.2 * softplus(-real)).mean(-1)
    torch.testing.assert_close(smooth.losses(w, sample, ())[1] - plain.losses(w, sample, ())[1], expected)
    with pytest.raises(InputError, match="label smoothing is of losses with labels"):
        plane(loss="hinge", label_smoothing=0.1)
    with pytest.raises(InputError, match="unknown adversarial loss 'hinges': did you mean 'hinge'"):
        plane(loss="hinges")
