"""Orthogonal regularisation against its formula and finite differences."""

import dataclasses

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.games.draws import normal
from saddlebench.games.networks.gan import Evaluated
from saddlebench.games.penalties.orthogonal import Orthogonality, off_diagonal

SEEDS = torch.tensor([3, 7])


@pytest.fixture(scope="module")
def game():
    return build("game", "biggan").small()


def evaluated(game, flat):
    return Evaluated(game, (flat, flat[:, :0]), None, ())  # pyright: ignore[reportArgumentType] - it looks at the weights alone


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 4), (1, 5), (5, 1)])
def test_value_and_gradient_are_those_of_the_formula(shape):
    weight = normal(SEEDS, "w", shape[0] * shape[1]).view(2, *shape).requires_grad_()
    value = off_diagonal(weight)
    gram = weight @ weight.mT
    off = gram * (1 - torch.eye(shape[0], dtype=gram.dtype))
    torch.testing.assert_close(value, off.square().sum((1, 2)), rtol=1e-11, atol=1e-11)
    (gradient,) = torch.autograd.grad(value.sum(), weight)
    torch.testing.assert_close(gradient, 4 * off @ weight, rtol=1e-10, atol=1e-10)  # twice what widespread code adds


def test_of_a_generator_equals_finite_differences_and_spares_the_shared_embedding(game):
    network, beta = game.networks[0], 0.3
    penalty = Orthogonality(beta, network=network, spared=("shared",))
    flat = (normal(SEEDS, "flat", network.size) / 2).requires_grad_()
    (gradient,) = torch.autograd.grad(penalty.paid(evaluated(game, flat), None).sum(), flat)
    named = network.named(gradient)
    assert not named["shared.weight"].any()
    assert all(x.any() == (x.dim() > 2 and name != "shared.weight" and x.shape[1] > 1) for name, x in named.items())
    direction = normal(SEEDS, "direction", network.size)
    ahead, behind = (penalty.paid(evaluated(game, flat + s * 1e-5 * direction), None) for s in (1, -1))
    torch.testing.assert_close((gradient * direction).sum(-1), (ahead - behind) / 2e-5, rtol=1e-7, atol=1e-7)


def test_the_game_pays_it_once_for_its_generator_alone(game):
    without = dataclasses.replace(game, orthogonal=0.0)
    w = tuple(x.double() for x in game.initial(SEEDS))
    w = tuple(x + 0.1 * normal(SEEDS, f"{i}", x.shape[1]) for i, x in enumerate(w))
    buffers, sample = game.buffers(w, SEEDS), game.sample(SEEDS, 0, 0)
    whole, rest = game.losses(w, sample, buffers), without.losses(w, sample._replace(draws=(), due=()), buffers)
    expected = Orthogonality(1e-4, network=game.networks[0], spared=("shared",)).paid(evaluated(game, w[0]), None)
    torch.testing.assert_close(whole[0] - rest[0], expected, rtol=1e-9, atol=1e-12)
    assert torch.equal(whole[1], rest[1])
    split = dataclasses.replace(game, micro_batches=2)
    only = (
        split.losses(w, sample, buffers)[0]
        - dataclasses.replace(split, orthogonal=0.0).losses(w, sample._replace(draws=(), due=()), buffers)[0]
    )
    torch.testing.assert_close(only, expected, rtol=1e-9, atol=1e-12)
