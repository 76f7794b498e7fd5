"""The flat tensor and its names, initial weights, spectral norm by power iteration."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from saddlebench.games.networks.layers import BatchNorm, Conv, Linear
from saddlebench.games.networks.network import Layer, Network, Scope, Weight, fold, orthogonal, unfold

SEEDS = torch.tensor([3, 7, 2**40])


@dataclass(frozen=True)
class Chain(Network):
    """conv 2 → 4 (3×3) – tanh – sum over pixels – linear 4 → 3, either layer spectrally normalised, or a batch norm between."""

    spectral: bool = False
    norm: bool = False

    @property
    def layers(self) -> tuple[Layer, ...]:
        norm = (BatchNorm("norm", 4),) if self.norm else ()
        return (Conv("conv", 2, 4, 3, spectral=self.spectral), *norm, Linear("linear", 4, 3, spectral=self.spectral))

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        conv, *norm, linear = self.layers
        h = conv(fold(x), scope)
        for layer in norm:
            h = layer(h, scope)
        return linear(unfold(h.tanh().sum((2, 3)), scope.runs), scope)


def start(network: Network, scheme="xavier") -> Tensor:
    return network.initial(SEEDS, "test", scheme, torch.float64)


def singular_values(network: Network, flat: Tensor) -> list[Tensor]:
    """The largest singular value of every weight matrix, ``(runs,)`` each."""
    scope = network.scope(flat, torch.zeros(len(flat), sum(network.vectors.values()), dtype=flat.dtype))
    return [torch.linalg.svdvals(w.flatten(2))[:, 0] for name, w in scope.weights.items() if name.endswith("weight")]


def test_names_sizes_and_views_follow_the_layers():
    network = Chain(norm=True)
    shapes = {name: weight.shape for name, weight in network.weights.items()}
    assert shapes == {
        "conv.weight": (4, 2, 3, 3),
        "conv.bias": (4,),
        "norm.gain": (4,),
        "norm.bias": (4,),
        "linear.weight": (3, 4),
        "linear.bias": (3,),
    }
    assert network.size == 72 + 4 + 4 + 4 + 12 + 3
    flat = torch.arange(2 * network.size).view(2, -1)
    scope = network.scope(flat)
    assert torch.equal(torch.cat([w.flatten(1) for w in scope.weights.values()], 1), flat)
    assert all(w.data_ptr() >= flat.data_ptr() and w._base is not None for w in scope.weights.values())  # views, not copies


def test_two_layers_of_one_name_are_refused():
    class Twice(Chain):
        layers = (Linear("same", 2, 2), Linear("same", 2, 2))  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    with pytest.raises(AssertionError, match="two layers are called same"):
        _ = Twice().weights


def test_fold_and_unfold_are_inverse_and_keep_a_run_together():
    x = torch.arange(3 * 4 * 2 * 5 * 5).view(3, 4, 2, 5, 5)
    assert torch.equal(unfold(fold(x), 3), x)
    assert torch.equal(fold(x)[:, 2:4], x[1])
    assert fold(x[:1]).data_ptr() == x.data_ptr()  # one run: a view


def test_schemes_have_their_spread():
    network = Chain(norm=True)
    seeds = torch.arange(400)
    bounds = {"xavier": (math.sqrt(6 / (18 + 36)), math.sqrt(6 / 7)), "pytorch": (1 / math.sqrt(18), 1 / 2)}
    for scheme in ("normal", "xavier", "pytorch", "orthogonal"):
        scope = network.scope(network.initial(seeds, "x", scheme, torch.float64))
        conv, linear = scope.weights["conv.weight"], scope.weights["linear.weight"]
        for name in ("conv.bias", "norm.bias", "linear.bias"):
            assert not scope.weights[name].any()
        assert bool((scope.weights["norm.gain"] == 1).all())
        if scheme == "normal":
            assert float(conv.std()) == pytest.approx(0.02, rel=0.02)
            assert abs(float(conv.mean())) < 0.001
        elif scheme == "orthogonal":
            rows = conv.flatten(2)
            torch.testing.assert_close(rows @ rows.mT, torch.eye(4, dtype=torch.float64).expand(400, 4, 4), rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(
                linear @ linear.mT, torch.eye(3, dtype=torch.float64).expand(400, 3, 3), rtol=1e-12, atol=1e-12
            )
        else:
            for weight, bound in zip((conv, linear), bounds[scheme], strict=True):
                assert float(weight.abs().max()) == pytest.approx(bound, rel=0.005)
                assert float(weight.abs().max()) <= bound
                assert float(weight.var()) == pytest.approx(bound**2 / 3, rel=0.05)


def test_fans_are_those_of_torch():
    for module in (nn.Conv2d(5, 7, 3), nn.ConvTranspose2d(5, 7, 4), nn.Linear(5, 7)):
        expected = nn.init._calculate_fan_in_and_fan_out(module.weight)
        assert Weight(tuple(module.weight.shape)).fans == expected


def test_initial_weights_are_fixed_by_seed_and_name():
    network = Chain()
    whole = start(network)
    for run in range(3):
        assert torch.equal(network.initial(SEEDS[run : run + 1], "test", "xavier", torch.float64)[0], whole[run])
    assert not torch.equal(network.initial(SEEDS, "other", "xavier", torch.float64), whole)


def test_orthogonal_factor_of_wide_and_tall_matrices():
    drawn = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for matrix in (drawn, drawn.mT):
        q = orthogonal(matrix)
        product = q @ q.mT if q.shape[1] < q.shape[2] else q.mT @ q
        torch.testing.assert_close(product, torch.eye(3, dtype=torch.float64).expand(2, 3, 3), rtol=1e-12, atol=1e-12)


def test_power_iteration_finds_the_largest_singular_value():
    network = Chain(spectral=True)
    flat = start(network)
    vectors = network.start_vectors(flat, SEEDS, "power")
    for _ in range(500):
        vectors = network.iterate(flat, vectors)
    scope = network.scope(flat, vectors)
    for layer, largest in zip(network.layers, singular_values(network, flat), strict=True):
        weight = layer.weight(scope)
        torch.testing.assert_close(
            torch.linalg.svdvals(weight.flatten(2))[:, 0], torch.ones(3, dtype=torch.float64), rtol=1e-9, atol=0
        )
        torch.testing.assert_close(weight * largest.view(3, *(1,) * (weight.dim() - 1)), scope.weights[f"{layer.name}.weight"])


def test_after_the_warm_up_sigma_is_near_and_never_above():
    network = Chain(spectral=True)
    flat = start(network)
    scope = network.scope(flat, network.start_vectors(flat, SEEDS, "power"))
    for layer, largest in zip(network.layers, singular_values(network, flat), strict=True):
        sigma = scope.weights[f"{layer.name}.weight"].flatten(1).norm(dim=1) / layer.weight(scope).flatten(1).norm(dim=1)
        assert bool((sigma <= largest * (1 + 1e-12)).all())
        assert bool((sigma >= 0.9 * largest).all())


def test_spectral_norm_equals_torch_with_the_same_vectors():
    network = Chain(spectral=True)
    flat = start(network)[:1]
    vectors = network.start_vectors(flat, SEEDS[:1], "power")
    scope = network.scope(flat, vectors)
    own = nn.utils.spectral_norm(nn.Linear(4, 3, dtype=torch.float64), n_power_iterations=1)
    own.weight_orig.data, own.bias.data = scope.weights["linear.weight"][0], scope.weights["linear.bias"][0]
    own.weight_u, own.weight_v = scope.vectors["linear.u"][0].clone(), scope.vectors["linear.v"][0].clone()
    own.train()(torch.zeros(1, 4, dtype=torch.float64))  # one power iteration, then W/σ
    after = network.scope(flat, network.iterate(flat, vectors))
    linear = network.layers[-1]
    torch.testing.assert_close(linear.weight(after)[0], own.weight, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(after.vectors["linear.u"][0], own.weight_u, rtol=1e-12, atol=1e-12)

    # and the gradient, which flows through σ with u and v held fixed
    u = torch.arange(12.0, dtype=torch.float64).view(3, 4).cos()
    (expected,) = torch.autograd.grad((own.weight * u).sum(), own.weight_orig)
    moving = flat.clone().requires_grad_()
    there = network.scope(moving, network.iterate(flat, vectors))
    (found,) = torch.autograd.grad((linear.weight(there)[0] * u).sum(), moving)
    torch.testing.assert_close(network.scope(found, vectors).weights["linear.weight"][0], expected, rtol=1e-12, atol=1e-12)


def test_gradient_through_sigma_equals_finite_differences():
    network = Chain(spectral=True)
    flat = start(network)[:1]
    vectors = network.start_vectors(flat, SEEDS[:1], "power")
    x = torch.arange(1 * 2 * 2 * 4 * 4, dtype=torch.float64).view(1, 2, 2, 4, 4).sin()
    flat.requires_grad_()
    assert torch.autograd.gradcheck(lambda w: network(w, x, vectors), (flat,))
    assert torch.autograd.gradgradcheck(lambda w: network(w, x, vectors), (flat,))


def test_evaluations_leave_the_vectors_alone_and_agree_bit_for_bit():
    network = Chain(spectral=True)
    flat = start(network)
    vectors = network.start_vectors(flat, SEEDS, "power")
    kept, x = vectors.clone(), torch.arange(3 * 2 * 2 * 16, dtype=torch.float64).view(3, 2, 2, 4, 4).sin()
    first = network(flat, x, vectors)
    assert torch.equal(first, network(flat, x, vectors))
    network.iterate(flat, vectors)
    assert torch.equal(vectors, kept)
    assert not torch.equal(network.iterate(flat, vectors), kept)


def test_power_iteration_of_runs_together_is_that_of_each_alone():
    network = Chain(spectral=True)
    flat = start(network)
    whole = network.start_vectors(flat, SEEDS, "power")
    for run in range(3):
        alone = network.start_vectors(flat[run : run + 1], SEEDS[run : run + 1], "power")
        torch.testing.assert_close(alone[0], whole[run], rtol=1e-12, atol=1e-12)


def test_a_network_without_spectral_norm_has_no_vectors():
    network = Chain()
    flat = start(network)
    assert network.vectors == {}
    assert network.start_vectors(flat, SEEDS, "power").shape == (3, 0)
