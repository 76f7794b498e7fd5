"""The tutorials' games on digits: each loss against its formula on fixed numbers, each measure on a case whose answer is known."""

import math

import numpy as np
import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.errors import InputError
from saddlebench.games import GAMES
from saddlebench.games.ac_gan import class_loss
from saddlebench.games.infogan import code_losses, hungarian_accuracy
from saddlebench.games.networks.lenet import fixed_classifier
from saddlebench.games.semi_supervised_gan import feature_matching, labelled_set, unsupervised_loss

SEEDS = torch.tensor([5, 2])
NAMES = ("conditional-gan", "ac-gan", "infogan", "semi-supervised-gan")


def log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.log1p(np.exp(-x))


@pytest.fixture
def numbers():
    """Generic numbers of any shape, float64."""
    generator = np.random.default_rng(7)
    return lambda *shape: torch.from_numpy(generator.normal(size=shape))


def test_the_class_loss_is_minus_the_log_of_the_softmax(numbers):
    logits, labels = numbers(2, 5, 3), torch.tensor([[0, 2, 1, 1, 0], [2, 2, 2, 0, 1]])
    p = np.exp(logits.numpy())
    p /= p.sum(-1, keepdims=True)
    expected = [-np.mean([np.log(p[r, b, labels[r, b]]) for b in range(5)]) for r in range(2)]
    np.testing.assert_allclose(class_loss(logits, labels).numpy(), expected, rtol=1e-12)


def test_the_unsupervised_loss_is_that_of_k_plus_one_classes(numbers):
    real, fake = numbers(2, 4, 3), numbers(2, 4, 3)

    def generated(x):  # p of the (K+1)-th class, whose logit is 0
        return 1 / (1 + np.exp(x.numpy()).sum(-1))

    expected = -np.log(1 - generated(real)).mean(-1) - np.log(generated(fake)).mean(-1)
    np.testing.assert_allclose(unsupervised_loss(real, fake).numpy(), expected, rtol=1e-12)


def test_feature_matching_is_the_distance_of_means(numbers):
    real, fake = numbers(2, 4, 3), numbers(2, 6, 3)
    expected = ((real.numpy().mean(1) - fake.numpy().mean(1)) ** 2).mean(-1)
    np.testing.assert_allclose(feature_matching(real, fake).numpy(), expected, rtol=1e-12)


def test_code_losses_are_log_densities(numbers):
    read, uniform = numbers(2, 4, 3 + 2 * 2), numbers(2, 4, 2).tanh()
    category = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]])
    codes = torch.cat((torch.nn.functional.one_hot(category, 3), uniform), -1)
    found = code_losses(read, codes, 3, 2)
    np.testing.assert_allclose(found[0].numpy(), class_loss(read[..., :3], category).numpy(), rtol=1e-12)
    law = torch.distributions.Normal(read[..., 3:5], read[..., 5:].exp())
    np.testing.assert_allclose(found[1].numpy(), -law.log_prob(uniform).sum(-1).mean(-1).numpy(), rtol=1e-12)


def test_a_perfect_reader_makes_the_information_the_entropy():
    codes = torch.nn.functional.one_hot(torch.arange(20) % 10, 10).float()[None]
    category, numbers = code_losses(100 * codes, codes, 10, 0)
    assert math.log(10) - float(category) == pytest.approx(2.302585, abs=1e-5)
    assert float(numbers) == 0


def test_hungarian_accuracy_matches_clusters_to_labels():
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert hungarian_accuracy(np.array([2, 2, 0, 0, 1, 1]), labels) == 1
    assert hungarian_accuracy(np.array([2, 2, 0, 0, 0, 0]), labels) == pytest.approx(4 / 6)  # a cluster has one label
    assert hungarian_accuracy(np.zeros(6, dtype=int), labels) == pytest.approx(2 / 6)


def parts_of(name, **parameters):
    """A small game with its players evaluated on one sample."""
    game = build("game", {name: {"latent": 3, "width": 6, "depth": 1, "batch": 10, "evaluated": 40, **parameters}})
    profile = game.initial(SEEDS)
    return game, game.seen(game, profile, game.sample(SEEDS, 0, 0), game.buffers(profile, SEEDS))


def test_conditional_losses_judge_images_beside_their_classes():
    game, seen = parts_of("conditional-gan")
    told = torch.nn.functional.one_hot(seen.sample.labels, 10).float()
    fake = seen("generator", torch.cat((seen.sample.latents, told), -1))
    pairs = (torch.cat((x, 28 * told), -1) for x in (fake, seen.sample.real))  # a class as long as an image
    on_fake, on_real = (seen("discriminator", pair).squeeze(-1).detach().numpy() for pair in pairs)
    np.testing.assert_allclose(game.player_loss(0, seen).detach(), -log_sigmoid(on_fake).mean(-1), rtol=1e-5)
    expected = -log_sigmoid(on_real).mean(-1) - log_sigmoid(-on_fake).mean(-1)
    np.testing.assert_allclose(game.player_loss(1, seen).detach(), expected, rtol=1e-5)
    blind, _ = parts_of("conditional-gan", informed=False)
    assert blind.sizes == game.sizes  # the control has the same networks


def test_ac_gan_adds_the_class_loss_to_both():
    game, seen = parts_of("ac-gan", classification=0.7)
    plain, same = parts_of("ac-gan", classification=0.0)
    on_fake = class_loss(seen("class", seen("trunk", seen("generator", seen.inputs))), seen.sample.labels)
    on_real = class_loss(seen("class", seen("trunk", seen.sample.real)), seen.sample.labels)
    for i, classes in enumerate((on_fake, on_fake + on_real)):
        extra = game.player_loss(i, seen) - plain.player_loss(i, same)
        np.testing.assert_allclose(extra.detach(), 0.7 * classes.detach(), rtol=1e-4)


@pytest.mark.parametrize("trunks", ["shared", "separate"])
def test_infogans_players_are_paid_the_information(trunks):
    game, seen = parts_of("infogan", trunks=trunks)
    plain, same = parts_of("infogan", trunks=trunks, information=0.0, continuous_information=0.0)
    category, numbers = seen.losses
    unread = (category + 0.1 * numbers).detach()
    paid = (1, trunks == "shared", 1)
    for i, factor in enumerate(paid):
        np.testing.assert_allclose((game.player_loss(i, seen) - plain.player_loss(i, same)).detach(), factor * unread, atol=1e-5)


def test_the_reader_of_a_shared_trunk_owns_its_head_alone():
    shared, separate = (parts_of("infogan", trunks=trunks, convolutional=False)[0] for trunks in ("shared", "separate"))
    assert shared.sizes[2] == 6 * 14 + 14
    assert separate.sizes[2] - shared.sizes[2] == 784 * 6 + 6
    assert shared.sizes[:2] == separate.sizes[:2]


def test_infogans_convolutions_make_and_read_images():
    """28² pixels as the connected networks have them; with each image read alone where there is no batch norm."""
    game, seen = parts_of("infogan", norm="none")
    assert seen.fake.shape == seen.sample.real.shape
    assert seen.fake.abs().max() <= 1
    assert seen.real_logits.shape == seen.sample.real.shape[:2]
    alone = seen.read(seen.sample.real[:, :1])
    np.testing.assert_allclose(alone.detach(), seen.read(seen.sample.real)[:, :1].detach(), rtol=1e-4, atol=1e-6)
    assert game.sizes[2] == 8 * 6 * 14 + 14


def test_codes_of_infogan_look_at_no_label():
    game, _ = parts_of("infogan")
    first, second = (game.drawn_codes(SEEDS, labels, 3, 0) for labels in (torch.zeros(2, 10).long(), torch.ones(2, 10).long()))
    assert torch.equal(first, second)
    assert torch.equal(first[..., :10].sum(-1), torch.ones(2, 10))
    assert float(first[..., 10:].abs().max()) <= 1


def judged(game, seen, x, noise=None):
    """D's logits and last hidden features on ``(runs, batch, pixels)``, by the network alone."""
    scope = game.judge.told(seen.scope("discriminator"), seen.buffers[0], noise)
    features = game.judge.features((x + 1) / 2, scope)  # D sees pixels in [0, 1]
    return game.judge.logits(features, scope), features


def test_semi_supervised_losses_are_those_of_the_paper():
    game, seen = parts_of("semi-supervised-gan", hidden=[8, 6], labels=20, unsupervised=0.3)
    images, labels, noise = seen.sample.extra
    kinds = (seen.sample.real, seen("generator", seen.sample.latents), images)
    real, fake, known = (judged(game, seen, x, noise[:, k]) for k, x in enumerate(kinds))
    matched = (real[1].mean(1) - fake[1].mean(1)).square().mean(-1)
    torch.testing.assert_close(game.player_loss(0, seen), matched)
    z_real, z_fake = (x[0].exp().sum(-1) for x in (real, fake))  # with D = Z/(Z + 1)
    unlabelled = -(z_real / (z_real + 1)).log().mean(-1) - (1 / (z_fake + 1)).log().mean(-1)
    p = known[0].softmax(-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(game.player_loss(1, seen), -p.log().mean(-1) + 0.3 * unlabelled, rtol=1e-4, atol=1e-5)


def test_supervised_control_pays_for_labelled_images_alone():
    game, seen = parts_of("semi-supervised-gan", unsupervised=0.0, noise=0.0, hidden_noise=0.0)
    images, labels, noise = seen.sample.extra
    assert noise is None
    assert torch.allclose(game.player_loss(1, seen), class_loss(judged(game, seen, images)[0], labels))
    with_noise, _ = parts_of("semi-supervised-gan")
    assert with_noise.sizes == game.sizes  # the control has the same networks


def test_noise_has_a_deviation_for_inputs_and_one_for_hidden_layers():
    _, seen = parts_of("semi-supervised-gan", hidden=[8, 6], noise=0.3, hidden_noise=0.5, batch=100)
    noise = seen.sample.extra[2]
    assert noise.shape == (2, 3, 100, 784 + 8 + 6)
    assert float(noise[..., :784].std()) == pytest.approx(0.3, rel=0.01)
    assert float(noise[..., 784:].std()) == pytest.approx(0.5, rel=0.03)
    assert not torch.equal(noise[:, 0], noise[:, 1])


def test_the_classifier_is_measured_without_noise():
    """The error is that of noiseless logits, of the same images under any noise."""
    plain, seen = parts_of("semi-supervised-gan", noise=0.0, hidden_noise=0.0)
    noisy, _ = parts_of("semi-supervised-gan")
    images, labels = plain.held_out(40)
    wrong = judged(plain, seen, images.flatten(1).expand(2, -1, -1))[0].argmax(-1) != labels
    for game in (plain, noisy):
        found = game.measures(seen.profile, SEEDS, seen.buffers)["test_error"]
        torch.testing.assert_close(found, wrong.float().mean(-1))


def test_lengths_are_constants_of_a_run():
    game, seen = parts_of("semi-supervised-gan")
    elsewhere = tuple(x + 1 for x in seen.profile)
    for found in (game.buffers(elsewhere, SEEDS), game.advance(elsewhere, seen.buffers)):
        assert torch.equal(found[0], seen.buffers[0])
    assert torch.equal(game.buffers(elsewhere, SEEDS[1:])[0], seen.buffers[0][1:])


def test_labels_are_as_many_of_each_class_and_fixed_by_seed():
    known = labelled_set("mnist", 28, 1, 100, (5, 2), torch.device("cpu"))
    assert known.shape == (2, 100)
    assert len(set(known[0].tolist())) == 100
    assert set(known[0].tolist()) != set(known[1].tolist())
    assert torch.equal(known[1:], labelled_set("mnist", 28, 1, 100, (2,), torch.device("cpu")))
    with pytest.raises(InputError, match="55 labels are no multiple of the 10 classes"):
        build("game", {"semi-supervised-gan": {"labels": 55}})


def test_every_labelled_image_is_drawn_as_often_as_another():
    game, _ = parts_of("semi-supervised-gan", labels=20)
    images, labels = zip(*(game.sample(SEEDS, step, 0).extra[:2] for step in (0, 1)), strict=True)
    assert torch.equal(torch.cat(labels, 1).sort().values, torch.arange(10).repeat_interleave(2).expand(2, -1))
    assert len(torch.cat(images, 1)[0].unique(dim=0)) == 20
    all_at_once, _ = parts_of("semi-supervised-gan", labels=10, batch=20)
    assert all_at_once.sample(SEEDS, 0, 0).extra[1].sort().values.tolist() == [list(range(10))] * 2


def test_semi_supervised_pictures_do_not_depend_on_their_neighbours():
    game, seen = parts_of("semi-supervised-gan")
    many = game.samples(seen.profile, SEEDS, 6)
    assert many.shape == (2, 6, 28, 28)
    torch.testing.assert_close(game.samples(seen.profile, SEEDS, 2), many[:, :2])


def test_real_digits_have_accuracy_and_diversity_of_about_one(monkeypatch):
    game = build("game", {"ac-gan": {"evaluated": 2000}})
    images, labels = game.held_out(4000)
    order = torch.cat([(labels == y).nonzero()[:200] for y in range(10)], 1).flatten()  # classes in turn
    monkeypatch.setattr(type(game), "samples", lambda *_: images[order].squeeze(1)[None])
    found = game.measures(game.initial(torch.tensor([0])), torch.tensor([0]), ())
    assert float(found["conditional_accuracy"]) > 0.98
    assert float(found["class_diversity"]) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_data_without_a_fixed_classifier_is_refused(name):
    with pytest.raises(InputError, match="fixed classifier: data can be mnist or fashion-mnist"):
        build("game", {name: {"data": "cifar10"}})


@pytest.mark.parametrize("name", NAMES[:3])
def test_strips_have_a_column_a_class(name):
    game = GAMES[name].small()
    profile = game.initial(SEEDS)
    strips = game.pictures(profile, SEEDS, ())
    assert strips["codes"].shape == (2, 8, 10, 28, 28)
    assert fixed_classifier("mnist")(strips["codes"]).shape == (2, 8, 10, 10)
    if name == "infogan":
        assert strips["code-1"].shape == (2, 10, 8, 28, 28)
