"""The game BigGAN: what is drawn, what is shown, and what methods of second order ask of it."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, same, seeds_of
from saddlebench.bench.jacobian import game_spectrum
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import map_tensors
from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.networks.network import Moments, unfold
from saddlebench.optimizers.alternating_gradient import AlternatingGradient
from saddlebench.optimizers.moving_average import MovingAverage

SEEDS = torch.tensor([3, 7])


@pytest.fixture(scope="module")
def game():
    return build("game", "biggan").small()


def changed(game, **values):
    return build("game", {type(game).name: {f.name: getattr(game, f.name) for f in dataclasses.fields(game)} | values})


def test_generated_images_are_asked_for_classes_of_their_own(game):
    batches = [game.sample(SEEDS, step, 0) for step in range(300)]
    asked, real = (torch.stack([getattr(b, part) for b in batches]).flatten() for part in ("asked", "labels"))
    counts = torch.bincount(asked, minlength=10)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3
    both = np.zeros((10, 10))
    np.add.at(both, (asked.numpy(), real.numpy()), 1)
    assert stats.chi2_contingency(both).pvalue > 1e-3
    assert changed(game, paired=True).sample(SEEDS, 0, 0).asked is None


def test_the_discriminator_judges_each_image_by_its_own_class(game):
    w = game.initial(SEEDS)
    buffers, sample = game.buffers(w, SEEDS), game.sample(SEEDS, 0, 0)
    images = unfold(game.networks[0](w[0], sample.latents, buffers[0], sample.asked), 2)
    fake = game.networks[1](w[1], images, buffers[1], sample.asked)
    real = game.networks[1](w[1], sample.real, buffers[1], sample.labels)
    assert torch.equal(game.score(w, sample, buffers), fake)
    expected = (1 - real).relu().mean(-1) + (1 + fake).relu().mean(-1)
    torch.testing.assert_close(game.losses(w, sample, buffers)[1], expected)
    other = sample._replace(asked=(sample.asked + 1) % 10)
    assert not torch.equal(game.score(w, other, buffers), fake)


@pytest.mark.parametrize("t", [0.05, 0.5, 2.0, 50.0])
def test_truncated_latents_lie_inside_and_have_the_truncated_law(game, t):
    z = changed(game, truncation=t).evaluation_latents(torch.tensor([11]), 3000)
    assert z.abs().max() <= t
    assert stats.kstest(z.flatten().numpy(), stats.truncnorm(-t, t).cdf).pvalue > 1e-3
    assert torch.equal(changed(game, truncation=t).evaluation_latents(torch.tensor([11]), 7), z[:, :7])


def test_latents_without_truncation_are_normal_or_uniform(game):
    seeds = torch.tensor([11])
    assert torch.equal(game.evaluation_latents(seeds, 5), normal(seeds, "evaluation latents", 30).view(1, 5, 6))
    uniform = changed(game, latent_law="uniform")
    for z in (uniform.evaluation_latents(seeds, 3000), torch.cat([uniform.sample(seeds, k, 0).latents for k in range(400)])):
        assert stats.kstest(z.flatten().numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert uniform.latent_bound == 1
    assert game.latent_bound is None
    halved = changed(game, latent_law="uniform", truncation=0.5)
    torch.testing.assert_close(halved.evaluation_latents(seeds, 9), uniform.evaluation_latents(seeds, 9) / 2)


class Recorded(Moments):
    """The moments of every batch, or, once ``fixed``, their averages."""

    def __init__(self):
        self.seen, self.fixed = {}, False

    def of(self, layer, x):
        if self.fixed:
            means, variances = zip(*self.seen[layer], strict=True)
            return torch.stack(means).mean(0), torch.stack(variances).mean(0)
        self.seen.setdefault(layer, []).append((x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)))
        return None


def test_standing_statistics_are_the_average_over_batches_with_the_weights_that_are_judged(game):
    game = changed(game, standing_batches=3)
    ema = MovingAverage(AlternatingGradient(0.05), decay=0.5)
    play = advance(game, ema, begin(game, ema, SEEDS), 3)
    w = tuple(x.double() for x in ema.answers(play.w, play.state)["average"])
    assert not torch.equal(w[0], play.w[0].double())
    buffers = map_tensors(torch.Tensor.double, play.buffers)
    shown = game.samples(w, SEEDS, 12, buffers)
    moments, network = Recorded(), game.networks[0]
    for k in range(3):
        z = normal(SEEDS, "standing latents", 36, k).view(2, 6, 6)
        network(w[0], z, buffers[0], ((torch.arange(6) + 6 * k) % 10).expand(2, -1), moments)
    moments.fixed = True
    expected = network(w[0], game.evaluation_latents(SEEDS, 12), buffers[0], (torch.arange(12) % 10).expand(2, -1), moments)
    torch.testing.assert_close(shown, unfold(expected, 2), rtol=1e-9, atol=1e-10)
    assert len(moments.seen) == 5
    torch.testing.assert_close(game.samples(w, SEEDS, 3, buffers), shown[:, :3])  # an image does not depend on its neighbours


def test_two_evaluations_at_one_profile_are_equal_and_vectors_move_with_committed_moves(game):
    w = game.initial(SEEDS)
    buffers, sample = game.buffers(w, SEEDS), game.sample(SEEDS, 0, 0)
    oracle = Oracle.at_step(game, SEEDS, 0, buffers, Counts(2))
    assert same(oracle.field(w), oracle.field(w))
    assert same(game.losses(w, sample, buffers), game.losses(w, sample, buffers))
    play = advance(game, AlternatingGradient(0.1, schedule=(1, 1, 0)), begin(game, AlternatingGradient(0.1), SEEDS), 1)
    assert not any(torch.equal(a, b) for a, b in zip(play.buffers, buffers, strict=True))


def test_the_spectral_radius_of_the_tiny_game_is_that_of_power_iteration(game):
    seeds = seeds_of(1)
    w = tuple(x.double() for x in game.initial(seeds))
    w = tuple(x + 0.05 * normal(seeds, f"{i}", x.shape[1]) for i, x in enumerate(w))
    buffers = map_tensors(torch.Tensor.double, game.buffers(w, seeds))
    found = game_spectrum(game, seeds, 0, buffers, w)
    assert found.residuals is not None
    assert max(found.residuals) <= 1e-5 * found.radius
    point = Oracle.at_step(game, seeds, 0, buffers, Counts(2), torch.float64).at(w)
    u = tuple(normal(seeds, f"u{i}", x.shape[1]) for i, x in enumerate(w))
    k = 60
    logs = []
    for _ in range(k):
        length = torch.cat(u, -1).norm()
        u = tuple(x.detach() for x in point.jvp(tuple(x / length for x in u)))
        logs.append(torch.cat(u, -1).norm().log())
    rate = torch.stack(logs[k // 2 :]).mean().exp()  # of a complex pair the geometric mean over many turns
    assert abs(float(rate) / found.radius - 1) < 0.1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"latent": 7}, "7 cannot be cut into 3 equal chunks"),
        ({"side": 48, "latent": 8}, "side 48"),
        ({"gradient_penalty": 1.0}, "set paired = true"),
        ({"attention": 3}, "attention = 3"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(game, values, said):
    with pytest.raises(InputError, match=said):
        changed(game, **values)


def test_an_embedding_all_norms_share_equals_the_plain_norm_where_its_maps_are_0(game):
    network = changed(game, spectral="discriminator").networks[0]  # a zero map has no largest singular value to be divided by
    flat = normal(SEEDS, "flat", network.size) / 4
    named = {name: torch.zeros_like(x) if ".norm" in name else x for name, x in network.named(flat).items()}
    zeroed = torch.cat([x.flatten(1) for x in named.values()], -1)
    vectors, z = network.start_vectors(flat, SEEDS, "v"), normal(SEEDS, "z", 24).view(2, 4, 6)
    images = network(zeroed, z, vectors, torch.zeros(2, 4, dtype=torch.int64))
    other = network(zeroed, z, vectors, torch.ones(2, 4, dtype=torch.int64))
    assert torch.equal(images, other)  # 1 + 0: neither the class nor the later chunks of z are seen
    assert images.std() > 1e-3
