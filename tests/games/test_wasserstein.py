"""WGAN on points: the exact distance on cases with closed forms, clipping, and what the critic is measured by."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from saddlebench.bench.build import build
from saddlebench.games.wasserstein import exact_wasserstein, points

SEEDS = torch.tensor([4, 9])
SMALL = {"width": 6, "depth": 1, "batch": 16, "evaluated": 30}


def test_the_distance_on_the_line_is_scipys():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, 200, 1))
    assert exact_wasserstein(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]))


def test_a_shift_in_the_plane_is_its_length():
    x = torch.randn(100, 2, generator=torch.Generator().manual_seed(1))
    assert exact_wasserstein(x, x.flip(0) + torch.tensor([0.3, 0.4])) == pytest.approx(0.5)
    assert exact_wasserstein(x, x.flip(0)) == pytest.approx(0, abs=1e-7)
    assert math.isnan(exact_wasserstein(x, x * math.nan))


def test_embedded_in_the_plane_a_line_keeps_its_distance():
    x, y = torch.randn(2, 60, 1, generator=torch.Generator().manual_seed(2))
    wide = [torch.cat((t, torch.zeros_like(t)), -1) for t in (x, y)]
    assert exact_wasserstein(*wide) == pytest.approx(exact_wasserstein(x, y), rel=1e-6)


@pytest.mark.parametrize(("law", "radius"), [("line", 1.0), ("eight-gaussians", 2**0.5), ("swiss-roll", None)])
def test_points_lie_where_the_law_says(law, radius):
    x = points(law, SEEDS, 4000, 0, 0)
    assert x.shape == (2, 4000, 1 if law == "line" else 2)
    length = x.norm(dim=-1)
    if radius is None:
        assert 1.5 * math.pi / 7.5 - 0.2 < float(length.min()) < float(length.max()) < 4.5 * math.pi / 7.5 + 0.2
    else:
        assert float(length.mean()) == pytest.approx(radius, rel=0.01)
    assert float(x.mean().abs()) < 0.15


@pytest.mark.parametrize("name", ["wgan", "wgan-gp"])
def test_losses_are_the_formula(name):
    game = build("game", {name: SMALL})
    profile, sample = game.initial(SEEDS), game.sample(SEEDS, 0, 0)
    fake = game.logits(profile[1], game.generate(profile[0], sample.latents))
    value = (fake - game.logits(profile[1], sample.real)).mean(-1)
    l_g, l_f = game.losses(profile, sample, ())
    torch.testing.assert_close(l_g, -value)
    if name == "wgan":
        torch.testing.assert_close(l_f, value)
        assert game.zero_sum
        assert float(profile[1].abs().max()) <= 0.01  # the start is clipped
    else:
        mixed = torch.lerp(game.generate(profile[0], sample.latents), sample.real, sample.draws[0]).detach().requires_grad_()
        (slope,) = torch.autograd.grad(game.logits(profile[1], mixed).sum(), mixed)
        torch.testing.assert_close(l_f, value + 10 * (slope.norm(dim=-1) - 1).square().mean(-1))
        assert not game.zero_sum


def test_a_critic_that_is_the_distance_has_no_error():
    """f(x) = x is 1-Lipschitz and attains W₁ between laws of which one lies to the right of the other."""
    game = build("game", {"wgan-gp": {"law": "line", "latent": 1, "width": 1, "depth": 1, "evaluated": 50, "activation": "relu"}})
    generator = torch.tensor([[0.0, 0.0, 1.0, -5.0]])  # every point is −5
    critic = torch.tensor([[1.0, 10.0, 1.0, -10.0]])  # relu(x + 10) − 10 = x
    found = game.measures((generator, critic), torch.tensor([3]), ())
    assert float(found["wasserstein"]) == pytest.approx(5, abs=0.3)
    assert float(found["critic_error"]) < 1e-6
    assert float(found["critic_gradient_norm"]) == pytest.approx(1)
    assert "weights_at_clip" not in found


def test_weights_at_the_clip_are_counted():
    game = build("game", {"wgan": SMALL})
    profile = game.initial(SEEDS)
    at = game.project(1, torch.where(torch.arange(profile[1].shape[1]) % 2 == 0, 1.0, 0.0).expand(2, -1))
    share = game.measures((profile[0], at), SEEDS, ())["weights_at_clip"]
    assert share.tolist() == pytest.approx([0.52] * 2, abs=0.03)
