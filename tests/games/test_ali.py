import dataclasses

import pytest
import torch
from scipy.stats import kstest

from saddlebench.bench.build import build
from saddlebench.errors import InputError
from saddlebench.games.ali import ALI, Joint, normality
from saddlebench.games.data import available

SEEDS = torch.tensor([2, 4, 8])


def sp(t):
    return (1 + t.exp()).log()


@pytest.mark.parametrize("loss", ["non-saturating", "minimax"])
def test_losses_are_their_formulas(loss):
    game = dataclasses.replace(ALI.small(), loss=loss)
    w, sample = game.initial(SEEDS), game.sample(SEEDS, 3, 0)
    seen = Joint(game, w, sample)
    mean, log_scale = seen("encoder", sample.x).chunk(2, -1)
    a = seen("pairs", torch.cat((sample.x, mean + log_scale.exp() * sample.noise), -1)).squeeze(-1)
    b = seen("pairs", torch.cat((seen("generator", sample.z), sample.z), -1)).squeeze(-1)
    both = (sp(-b), sp(a)) if loss == "non-saturating" else (-sp(b), -sp(-a))
    expected = (*both, sp(-a) + sp(b))
    for found, value in zip(game.losses(w, sample, ()), expected, strict=True):
        torch.testing.assert_close(found, value.mean(-1))


def test_a_critic_of_halves_does_not_see_what_belongs_together():
    game = dataclasses.replace(ALI.small(), joint=False)
    w, sample = game.initial(SEEDS), game.sample(SEEDS, 3, 0)
    seen = Joint(game, w, sample)
    x, z = sample.x, sample.z
    swapped = seen.judged(x, z.roll(1, 1)).sum(-1)
    torch.testing.assert_close(seen.judged(x, z).sum(-1), swapped)
    whole = ALI.small()
    joint = Joint(whole, whole.initial(SEEDS), sample)
    assert (joint.judged(x, z).sum(-1) - joint.judged(x, z.roll(1, 1)).sum(-1)).abs().max() > 1e-3


def test_an_encoder_without_noise_is_a_function():
    game = dataclasses.replace(ALI.small(), encoder="deterministic")
    w, sample = game.initial(SEEDS), game.sample(SEEDS, 3, 0)
    seen = Joint(game, w, sample)
    assert torch.equal(seen.encoded(sample.x, sample.noise), seen("encoder", sample.x))


def test_normality_is_scipys_statistic():
    x = torch.randn(2, 60, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 1.3 + 0.2
    found = normality(x)
    for run in range(2):
        for entry in range(3):
            assert float(found[run, entry]) == pytest.approx(kstest(x[run, :, entry].numpy(), "norm").statistic)


def test_measures_of_a_perfect_pair():
    """E(x) = x and G(z) = z by one linear layer each: no error, and codes that tell the Gaussians apart."""
    game = dataclasses.replace(ALI.small(), encoder="deterministic", activation="relu", width=4)
    w = game.initial(SEEDS)
    exact = torch.zeros_like(w[0])
    layers = game.networks["generator"].parameters(exact)
    layers[0][0][:] = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])  # x = relu(x) − relu(−x)
    layers[1][0][:] = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    found = game.measures((exact, exact, w[2]), SEEDS, ())
    assert float(found["reconstruction_error"].max()) < 1e-12
    assert found["nearest_accuracy"].tolist() == [1.0] * 3
    assert float(found["latent_ks"].min()) > 0.1  # the mixture is not normal


@pytest.mark.skipif(not available("mnist"), reason="MNIST is not in the data cache")
def test_digits_are_played_too():
    game = build("game", {"ali": {"data": "mnist", "latent": 5, "width": 6, "batch": 8}})
    w = game.initial(SEEDS)
    assert all(x.isfinite().all() for x in game.losses(w, game.sample(SEEDS, 2, 0), ()))
    shown = game.pictures(w, SEEDS, ())["reconstructions"]
    assert shown.shape == (3, 8, 10, 28, 28)
    assert torch.equal(shown[:, 0, 3], game.held_out(SEEDS)[0][:, 3].unflatten(-1, (28, 28)))
    assert torch.equal(shown[:, 2, 3], game.held_out(SEEDS)[0][:, 13].unflatten(-1, (28, 28)))


def test_too_large_a_batch_is_refused():
    with pytest.raises(InputError, match="larger than the data set"):
        build("game", {"ali": {"data": "mnist", "batch": 60001}})
