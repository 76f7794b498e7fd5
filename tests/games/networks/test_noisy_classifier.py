"""The classifier of Salimans et al. 2016 against the same network written out, its start, and its noise."""

import pytest
import torch

from saddlebench.games.networks.noisy_classifier import NoisyClassifier

NETWORK = NoisyClassifier((7, 6, 5, 3))
SEEDS = torch.tensor([3, 7])


@pytest.fixture
def drawn(make):
    """Parameters, an input of 40 and noise for it, float64."""
    flat = NETWORK.initial(SEEDS, "classifier", "xavier", torch.float64)
    return flat, make.drawn("x", 40, 7)[:2], make.drawn("noise", 40, 7 + 6 + 5)[:2]


def by_hand(flat, lengths, x, noise):
    """One run's logits, layer by layer, and what every unit is given."""
    given, lengths = [], list(lengths.split((6, 5)))
    for k, (inputs, outputs) in enumerate(((7, 6), (6, 5), (5, 3))):
        v, b, flat = flat.split((inputs * outputs, outputs, len(flat) - (inputs + 1) * outputs))
        v = v.view(outputs, inputs)
        length = lengths[k] if k < 2 else flat
        noise, now = noise[:, inputs:], noise[:, :inputs]
        x = (x.relu() if k else x) + now
        x = length * (x @ (v / (v.norm(dim=1, keepdim=True) ** 2 + 1e-6).sqrt()).T) + b
        given.append(x)
    return x, given


def test_it_is_the_network_written_out(drawn, make):
    flat, x, noise = drawn
    flat, lengths = flat + 0.1 * make.drawn("away", NETWORK.size)[:2], make.drawn("lengths", 11)[:2]
    found = NETWORK.forward(x, NETWORK.told(NETWORK.scope(flat), lengths, noise))
    silent = NETWORK.forward(x, NETWORK.told(NETWORK.scope(flat), lengths))
    for run in range(2):
        torch.testing.assert_close(found[run], by_hand(flat[run], lengths[run], x[run], noise[run])[0])
        torch.testing.assert_close(silent[run], by_hand(flat[run], lengths[run], x[run], 0 * noise[run])[0])


def test_every_unit_starts_with_mean_0_and_variance_1(drawn):
    flat, x, noise = drawn
    started, lengths = NETWORK.started(flat, x, noise)
    for run in range(2):
        for given in by_hand(started[run], lengths[run], x[run], noise[run])[1]:
            torch.testing.assert_close(given.mean(0), torch.zeros(given.shape[1], dtype=torch.float64), rtol=0, atol=1e-12)
            torch.testing.assert_close(given.var(0, correction=0), torch.ones(given.shape[1], dtype=torch.float64))


def test_directions_begin_with_deviation_a_tenth_under_every_scheme():
    network = NoisyClassifier((100, 90, 10))
    starts = [network.initial(SEEDS, "classifier", scheme) for scheme in ("xavier", "normal")]
    assert torch.equal(*starts)
    assert float(starts[0][:, :9000].std()) == pytest.approx(0.1, rel=0.02)


def test_the_hidden_layers_lengths_are_not_trained():
    assert NETWORK.size == (7 * 6 + 6) + (6 * 5 + 5) + (5 * 3 + 3) + 3
