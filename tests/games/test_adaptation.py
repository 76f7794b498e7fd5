import dataclasses
import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from saddlebench.bench.build import build
from saddlebench.errors import InputError
from saddlebench.games.adaptation import accuracy, class_loss, moon_of, proxy_distance
from saddlebench.games.dann import DANN, Judged
from saddlebench.games.data import available
from saddlebench.games.data.mnist_m import blended, digits_of
from saddlebench.games.dupgan import DupGAN, Translated

SEEDS = torch.tensor([2, 4, 8])
needs_digits = pytest.mark.skipif(not (available("mnist") and available("cifar10")), reason="MNIST or CIFAR-10 is not in the cache")


def sp(t):
    return (1 + t.exp()).log()


def test_class_loss_and_accuracy_on_fixed_numbers():
    logits = torch.tensor([[[0.0, math.log(3.0)], [0.0, 0.0]]])
    labels = torch.tensor([[1, 0]])
    assert float(class_loss(logits, labels)) == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    assert float(class_loss(logits, labels, torch.tensor([[0.0, 1.0]]))) == pytest.approx(math.log(2))
    assert float(class_loss(logits, labels, torch.zeros(1, 2))) == 0
    assert accuracy(logits, torch.tensor([[1, 1]])).tolist() == [0.5]
    assert accuracy(logits * torch.nan, labels).isnan().all()


def test_dann_losses_are_their_formulas_and_the_reversal_is_the_sign():
    game = dataclasses.replace(DANN.small(), anneal=8, weight=0.5)
    w, sample = game.initial(SEEDS), game.sample(SEEDS, 4, 0)
    seen = Judged(game, w, sample)
    strength = 0.5 * (2 / (1 + math.exp(-10 * 0.5)) - 1)
    predictor, domain = game.losses(w, sample, ())
    d_s, d_t = (seen("domain", seen.featured(x)).squeeze(-1) for x in (sample.source, sample.target))
    torch.testing.assert_close(domain, sp(d_s).mean(-1) + sp(-d_t).mean(-1))
    logits = seen("labels", seen.featured(sample.source))
    label = torch.stack([cross_entropy(x, y) for x, y in zip(logits, sample.labels, strict=True)])
    torch.testing.assert_close(predictor, label - strength * domain)
    assert game.strength(0) == 0
    assert game.strength(800) == game.strength(8)


def test_dann_controls_look_at_one_domain_alone():
    for labelled, other in (("source", "target"), ("target", "source")):
        game = dataclasses.replace(DANN.small(), weight=0.0, labelled=labelled)
        w, sample = game.initial(SEEDS), game.sample(SEEDS, 4, 0)
        moved = sample._replace(**{other: getattr(sample, other) + 1})
        assert torch.equal(game.losses(w, sample, ())[0], game.losses(w, moved, ())[0])


def sure(game, w, sample):
    """How sure C is of a class of each sample of the target."""
    seen = Translated(game, w, sample)
    return seen("classifier", seen("encoder", sample.target).tanh()).softmax(-1).amax(-1)


@pytest.mark.parametrize("quantile", [0.0, 0.5])
def test_dupgan_losses_are_their_formulas(quantile):
    game = dataclasses.replace(DupGAN.small(), weight=0.5, classification=3.0, reconstruction=7.0)
    w, sample = game.initial(SEEDS), game.sample(SEEDS, 4, 0)
    game = dataclasses.replace(game, threshold=float(sure(game, w, sample).quantile(quantile)))
    seen = Translated(game, w, sample)
    z_s, z_t = (seen("encoder", x).tanh() for x in (sample.source, sample.target))
    believed = seen("classifier", z_t).argmax(-1)
    which = sure(game, w, sample) >= game.threshold
    assert bool(which.all()) == (quantile == 0)
    fake = torch.full_like(believed, 2)
    x_st, x_ss = seen.decoded(z_s, 1), seen.decoded(z_s, 0)
    x_ts, x_tt = seen.decoded(z_t, 0), seen.decoded(z_t, 1)

    def h(name, x, labels, over=None):
        """Mean cross-entropy of a run over some of its samples, or all."""
        over = torch.ones_like(labels, dtype=torch.bool) if over is None else over
        pairs = zip(seen(name, x), labels, over, strict=True)
        return torch.stack([cross_entropy(a[k], b[k]) if k.any() else torch.zeros(()) for a, b, k in pairs])

    d_s, d_t = "source-discriminator", "target-discriminator"
    classifier = h("classifier", z_s, sample.labels) + 0.5 * h("classifier", z_t, believed, which)
    deception = h(d_t, x_st, sample.labels) + h(d_s, x_ts, believed, which)
    generator = deception + 7 * ((x_ss - sample.source).square().mean((1, 2)) + (x_tt - sample.target).square().mean((1, 2)))
    expected = (
        3 * classifier + 0.5 * generator,
        generator,
        h(d_s, sample.source, sample.labels) + h(d_s, x_ts, fake),
        h(d_t, sample.target, believed, which) + h(d_t, x_st, fake),
        classifier,
    )
    for found, value in zip(game.losses(w, sample, ()), expected, strict=True):
        torch.testing.assert_close(found, value)


def test_dupgan_learns_from_the_source_alone_before_pretraining_ends_and_in_the_control():
    game = DupGAN.small()
    w, sample = game.initial(SEEDS), game.sample(SEEDS, 4, 0)
    seen = Translated(game, w, sample)
    logits = seen("classifier", seen("encoder", sample.source).tanh())
    label = torch.stack([cross_entropy(x, y) for x, y in zip(logits, sample.labels, strict=True)])
    for other in (dataclasses.replace(game, pretraining=5), dataclasses.replace(game, weight=0.0)):
        leaves = tuple(x.clone().requires_grad_() for x in w)
        losses = other.losses(leaves, sample, ())
        torch.testing.assert_close(losses[0], 10 * label)
        torch.testing.assert_close(losses[4], label)
        for loss, leaf in zip(losses[1:4], leaves[1:4], strict=True):
            assert not loss.any()
            assert not torch.autograd.grad(loss.sum(), leaf, retain_graph=True)[0].any()
    for loss, after in zip(game.losses(w, sample, ()), dataclasses.replace(game, pretraining=4).losses(w, sample, ()), strict=True):
        assert torch.equal(loss, after)


def test_dupgan_counts_the_classes_that_it_believes_and_those_that_are_right():
    game = dataclasses.replace(DupGAN.small(), pretraining=5)  # the measures do not wait for its end
    w, held = game.initial(SEEDS), game.held_out(SEEDS)
    given = Translated(game, w, held)("classifier", Translated(game, w, held)("encoder", held.target).tanh()).argmax(-1)
    game = dataclasses.replace(game, threshold=float(sure(game, w, held).median()))
    found = game.measures(w, SEEDS, ())
    for run, believed in enumerate(sure(game, w, held) >= game.threshold):
        assert float(found["believed"][run]) == pytest.approx(float(believed.double().mean()))
        right = (given[run] == held.hidden[run])[believed].double().mean() if believed.any() else torch.tensor(math.nan)
        assert float(found["believed_accuracy"][run]) == pytest.approx(float(right), nan_ok=True)
    none = dataclasses.replace(game, threshold=1.0).measures(w, SEEDS, ())
    assert none["believed"].tolist() == [0, 0, 0]
    assert none["believed_accuracy"].isnan().all()


def test_the_target_is_the_source_turned():
    game = dataclasses.replace(DANN.small(), batch=4000)
    sample = game.sample(SEEDS, 0, 0)
    back = game.rotated(sample.target, back=True)
    for points, labels in ((sample.source, sample.labels), (back, sample.hidden)):
        assert float((moon_of(points) == labels).double().mean()) > 0.999
    torch.testing.assert_close(back.mean(1), sample.source.mean(1), atol=0.08, rtol=0)
    assert float((moon_of(sample.target) == sample.hidden).double().mean()) < 0.95  # the angle matters


def test_proxy_distance_of_equal_and_of_separate_domains():
    generator = torch.Generator().manual_seed(1)
    same, other = torch.randn(2, 400, 3, generator=generator), torch.randn(2, 400, 3, generator=generator)
    assert proxy_distance(same, other).abs().max() < 0.35  # ε within four standard deviations of ½
    assert torch.equal(proxy_distance(same, other + 100), torch.full((2,), 2.0))
    assert proxy_distance(same * torch.nan, other).isnan().all()


@needs_digits
def test_blended_digits_are_differences_with_smooth_crops():
    index = torch.arange(50).view(2, 25)
    (digits, labels), (images, again) = digits_of("test", index), blended("test", index)
    assert images.shape == digits.shape == (2, 25, 3, 28, 28)
    assert torch.equal(labels, again)
    assert images.min() >= -1
    assert images.max() <= 1
    ink, paper = digits == 1, digits == -1
    crop = torch.where(paper, (images + 1) / 2, 1 - (images + 1) / 2)  # |d − c| is c on paper and 1 − c on ink
    assert 0.3 < float(crop[paper].mean()) < 0.6
    assert abs(float(crop[ink].mean()) - float(crop[paper].mean())) < 0.1
    torch.testing.assert_close(blended("test", index[1:, 3:9])[0], images[1:, 3:9])


@needs_digits
@pytest.mark.parametrize("name", ["dann", "dupgan"])
def test_digits_are_played_too(name):
    game = build("game", {name: {"data": "mnist-m", "width": 2, "features": 4, "batch": 6}})
    w = game.initial(SEEDS[:2])
    sample = game.sample(SEEDS[:2], 400, 0)
    whole = game.losses(w, sample, ())
    assert all(x.isfinite().all() for x in whole)
    alone = game.losses(tuple(x[1:] for x in w), game.sample(SEEDS[1:2], 400, 0), ())
    for a, b in zip(whole, alone, strict=True):
        torch.testing.assert_close(a[1:], b, rtol=1e-4, atol=1e-5)


def test_too_large_a_batch_is_refused():
    with pytest.raises(InputError, match="larger than the data set"):
        build("game", {"dann": {"data": "mnist-m", "batch": 60001}})
