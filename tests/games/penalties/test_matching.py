"""Feature matching and historical averaging: values written out, and derivatives by both players against finite differences."""

import torch

from saddlebench.games.networks.gan import Evaluated
from saddlebench.games.penalties.matching import FeatureMatching, HistoricalAveraging

SEEDS = torch.tensor([3, 7])


def value(game, penalty, profile):
    return penalty.paid(Evaluated(game, profile, game.sample(SEEDS, 4, 0), game.buffers(profile, SEEDS)), None)


def test_feature_matching_is_the_squared_distance_of_the_mean_features(plane):
    game = plane(form="quadratic")  # features (x, ½x²)
    profile, sample = game.initial(SEEDS), game.sample(SEEDS, 4, 0)
    found = value(game, FeatureMatching(0.7), profile)
    for run in range(2):
        fake = profile[0][run, :2] * sample.latents[run] + profile[0][run, 2:]
        gap = sample.real[run].mean(0) - fake.mean(0), (sample.real[run] ** 2 - fake**2).mean(0) / 2
        torch.testing.assert_close(found[run], 0.7 * torch.cat(gap).square().sum(), rtol=1e-12, atol=1e-12)


def test_feature_matching_vanishes_where_the_samples_are_the_data(plane):
    game = plane()
    profile = game.initial(SEEDS)
    sample = game.sample(SEEDS, 4, 0)
    sample = sample._replace(real=game.generate(profile[0], sample.latents).flip(1))  # in another order
    seen = Evaluated(game, profile, sample, ())
    torch.testing.assert_close(FeatureMatching(1.0).value(seen, None), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-28)


def test_feature_matching_derivatives_equal_finite_differences(plane):
    game = plane()
    profile = tuple(x.requires_grad_() for x in game.initial(SEEDS))
    assert torch.autograd.gradcheck(lambda *w: value(game, FeatureMatching(0.7), w), profile, atol=1e-7, rtol=1e-6)
    assert torch.autograd.gradgradcheck(lambda *w: value(game, FeatureMatching(0.7), w), profile, atol=1e-6, rtol=1e-5)


def test_historical_averaging_pulls_each_player_to_its_own_mean(plane):
    game = plane(historical_averaging=1.0)
    start = game.initial(SEEDS)
    means = game.buffers(start, SEEDS)[2:]
    for player in (0, 1):
        penalty = HistoricalAveraging(0.3, pays=player)
        assert penalty.player == player
        profile = tuple(x.clone().requires_grad_() for x in start)
        seen = Evaluated(game, profile, game.sample(SEEDS, 0, 0), game.buffers(start, SEEDS))
        found = penalty.paid(seen, None)
        gap = start[player] - means[player]
        torch.testing.assert_close(found, 0.3 * gap.square().sum(-1))
        gradient = torch.autograd.grad(found.sum(), profile, materialize_grads=True)
        torch.testing.assert_close(gradient[player], 0.6 * gap)
        assert not gradient[1 - player].any()
