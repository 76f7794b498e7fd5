"""Standing statistics against averages taken directly, in a network of two batch norms."""

import pytest
import torch
from torch.nn.functional import batch_norm, conv2d

from saddlebench.games.networks.layers import BatchNorm, Conv
from saddlebench.games.networks.moments import Standing
from saddlebench.games.networks.network import fold


@pytest.fixture
def played(make):
    """A chain norm → conv → norm, its scope with standing moments, and five batches ``(4, 6, 5, 5)`` of three runs."""
    first, conv, second = BatchNorm("first", 2), Conv("conv", 2, 3, 3), BatchNorm("second", 3)
    scopes = [make.scope_of(layer) for layer in (first, conv, second)]
    standing = Standing()
    weights = {name: w for scope in scopes for name, w in scope.weights.items()}
    scope = scopes[0].__class__(weights, {}, 3, moments=standing)
    batches = [fold(make.drawn(f"batch {k}", 4, 2, 5, 5) * (k + 1) + k) for k in range(5)]

    def chain(x):
        return second(conv(first(x, scope), scope).relu(), scope)

    return chain, scope, standing, batches


def test_moments_are_the_average_of_those_of_the_batches(played):
    chain, scope, standing, batches = played
    gains = [scope.weights["first.gain"].flatten(), scope.weights["first.bias"].flatten()]
    for x in batches:
        chain(x)
    standing.collecting = False
    means = torch.stack([x.mean((0, 2, 3)) for x in batches]).mean(0)
    variances = torch.stack([x.var((0, 2, 3), correction=0) for x in batches]).mean(0)
    found = standing.of("first", batches[0])
    torch.testing.assert_close(found, (means, variances), rtol=1e-12, atol=1e-12)

    inner = []  # the second norm's inputs while collecting: the first norm took the moments of each batch
    for x in batches:
        h = batch_norm(x, None, None, *gains, training=True, eps=1e-5)
        inner.append(conv2d(h, scope.weights["conv.weight"].flatten(0, 1), scope.weights["conv.bias"].flatten(), groups=3).relu())
    means = torch.stack([x.mean((0, 2, 3)) for x in inner]).mean(0)
    variances = torch.stack([x.var((0, 2, 3), correction=0) for x in inner]).mean(0)
    torch.testing.assert_close(standing.of("second", inner[0]), (means, variances), rtol=1e-10, atol=1e-12)


def test_afterwards_an_image_does_not_depend_on_its_batch(played):
    chain, _, standing, batches = played
    for x in batches:
        chain(x)
    before = chain(batches[0])  # with the moments of its own batch
    standing.collecting = False
    whole = chain(batches[0])
    for k in range(4):
        torch.testing.assert_close(chain(batches[0][k : k + 1]), whole[k : k + 1], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(before, whole)


def test_with_one_batch_standing_moments_give_what_the_batch_gives(played):
    chain, _, standing, batches = played
    collected = chain(batches[2])
    standing.collecting = False
    torch.testing.assert_close(chain(batches[2]), collected, rtol=1e-12, atol=1e-12)
