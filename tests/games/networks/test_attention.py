"""Self-attention against its sum over pixels, written out."""

import dataclasses

import pytest
import torch
from torch.nn.functional import max_pool2d

from saddlebench.games.networks.attention import SelfAttention
from saddlebench.games.networks.network import Scope, fold, unfold


@pytest.fixture
def seen(make):
    """A layer of 16 channels, its scope of three runs, and images ``(3, 2, 16, 4, 6)``."""
    layer = SelfAttention("a", 16, spectral=False)
    scopes = [make.scope_of(part) for part in layer.layers]
    weights = {name: w for scope in scopes for name, w in scope.weights.items()}
    return layer, Scope(weights, {}, 3), make.drawn("x", 2, 16, 4, 6) / 4


def test_is_the_weighted_sum_over_pixels(seen):
    layer, scope, x = seen
    found = unfold(layer(fold(x), scope), 3)
    for run in range(3):
        theta, phi, g, o = (scope.weights[f"a.{k}.weight"][run, :, :, 0, 0] for k in ("theta", "phi", "g", "o"))
        for image, value in zip(x[run], found[run], strict=True):
            keys, values = (max_pool2d(torch.einsum("oc,chw->ohw", m, image), 2) for m in (phi, g))
            keys, values = keys.flatten(1), values.flatten(1)
            expected = torch.empty_like(image)
            for i in range(4):
                for j in range(6):
                    likeness = torch.stack([(theta @ image[:, i, j]) @ k for k in keys.T]).exp()
                    mean = (values * (likeness / likeness.sum())).sum(1)
                    expected[:, i, j] = image[:, i, j] + scope.weights["a.gain"][run] * (o @ mean)
            torch.testing.assert_close(value, expected, rtol=1e-11, atol=1e-12)


def test_sizes_are_those_of_the_paper(seen):
    layer, _, _ = seen
    shapes = {name: w.shape for part in layer.layers for name, w in part.weights().items()}
    assert shapes == {
        "a.theta.weight": (2, 16, 1, 1),
        "a.phi.weight": (2, 16, 1, 1),
        "a.g.weight": (8, 16, 1, 1),
        "a.o.weight": (16, 8, 1, 1),
        "a.gain": (1,),
    }
    assert {w.start for name, w in layer.layers[-1].weights().items()} == {"zeros"}
    assert all(part.spectral for part in SelfAttention("a", 16).layers[:-1])


def test_with_gain_0_it_does_nothing_and_learns_its_gain_first(seen):
    layer, scope, x = seen
    weights = {**scope.weights, "a.gain": torch.zeros(3, 1, dtype=torch.float64)}
    weights = {name: w.clone().requires_grad_() for name, w in weights.items()}
    y = layer(fold(x), dataclasses.replace(scope, weights=weights))
    assert torch.equal(y, fold(x))
    found = dict(zip(weights, torch.autograd.grad((y**2).sum(), list(weights.values())), strict=True))
    assert (found.pop("a.gain") != 0).all()
    assert all((g == 0).all() for g in found.values())
