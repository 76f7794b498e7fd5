"""Batch norm's derivatives of orders one to three against autograd of the formula, in every way that autograd is asked."""

from itertools import product

import pytest
import torch
from torch import Tensor

from saddlebench.games.networks.batch_norm import normalised

EPSILON = 1e-3
SUBSETS = [s for s in product((True, False), repeat=3) if any(s)]  # which of x, gain, bias need a gradient


def plain(x: Tensor, gain: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    axes = (0, *range(2, x.dim()))
    shape = (1, -1, *(1,) * (x.dim() - 2))
    mean = x.mean(axes, keepdim=True)
    variance = (x - mean).square().mean(axes, keepdim=True)
    return gain.view(shape) * (x - mean) / (variance + epsilon).sqrt() + bias.view(shape)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def arguments(wanted=(True, True, True), dims: int = 4) -> list[Tensor]:
    shape = (4, 2, 3, 3)[:dims]
    made = numbers(*shape) * 2 + 1, numbers(2, seed=1), numbers(2, seed=2)
    return [x.requires_grad_(w) for x, w in zip(made, wanted, strict=True)]


def directions(inputs: list[Tensor], seed: int) -> list[Tensor]:
    return [numbers(*x.shape, seed=seed + k) for k, x in enumerate(inputs)]


def chain(function, inputs: list[Tensor], orders: int, last_graph: bool) -> list[list[Tensor]]:
    """Derivatives of orders 1 … ``orders``: each the gradient of the last one's product with fixed directions."""
    wanted = [x for x in inputs if x.requires_grad]
    value = (function(*inputs, EPSILON).tanh() * numbers(*inputs[0].shape, seed=9)).sum()
    found = []
    for order in range(1, orders + 1):
        gradients = torch.autograd.grad(value, wanted, create_graph=order < orders or last_graph, materialize_grads=True)
        found.append(list(gradients))
        value = sum(((g * d).sum() for g, d in zip(gradients, directions(wanted, 10 * order), strict=True)), torch.zeros(()))
    return found


@pytest.mark.parametrize("last_graph", [False, True], ids=["no graph", "create_graph"])
@pytest.mark.parametrize("orders", [1, 2, 3, 4])
@pytest.mark.parametrize("dims", [2, 3, 4])
def test_derivatives_equal_those_of_the_formula(dims, orders, last_graph):
    found = chain(normalised, arguments(dims=dims), orders, last_graph)
    expected = chain(plain, arguments(dims=dims), orders, last_graph)
    for mine, theirs in zip(found, expected, strict=True):
        assert any(bool(t.abs().max() > 1e-3) for t in theirs)  # a derivative to be found
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("wanted", SUBSETS)
@pytest.mark.parametrize("last_graph", [False, True], ids=["no graph", "create_graph"])
def test_only_what_is_asked_for_has_a_derivative(wanted, last_graph):
    found = chain(normalised, arguments(wanted), 2 if wanted == (False, False, True) else 3, last_graph)
    expected = chain(plain, arguments(wanted), len(found), last_graph)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("wanted", SUBSETS)
def test_finite_differences(wanted):
    inputs = arguments(wanted)
    assert torch.autograd.gradcheck(lambda *t: normalised(*t, EPSILON).tanh(), inputs)
    assert torch.autograd.gradgradcheck(lambda *t: normalised(*t, EPSILON).tanh(), inputs)


def test_third_derivative_equals_finite_differences_of_the_second():
    x, gain, bias = arguments()
    along = numbers(*x.shape, seed=3)

    def second(y: Tensor) -> Tensor:
        (first,) = torch.autograd.grad(normalised(y, gain, bias, EPSILON).tanh().sum(), y, create_graph=True)
        return torch.autograd.grad((first * along).sum(), y, create_graph=True)[0]

    assert torch.autograd.gradcheck(second, (x,))


@pytest.mark.parametrize("create_graph", [False, True])
def test_jacobian_of_a_step_has_the_hessian(create_graph):
    """x ↦ x − η∇f(x) with f through batch norm: its product with a vector, the last derivative with and without a graph."""

    def row(function) -> Tensor:
        x, gain, bias = arguments()
        (gradient,) = torch.autograd.grad(function(x, gain, bias, EPSILON).tanh().sum(), x, create_graph=True)
        return torch.autograd.grad(x - 0.3 * gradient, x, numbers(*x.shape, seed=4), create_graph=create_graph)[0]

    torch.testing.assert_close(row(normalised), row(plain), rtol=1e-9, atol=1e-10)


def test_mixed_derivative_of_input_and_gain():
    """∂²/∂γ∂x of what flows through x itself: g depends on x, and is not to be counted twice."""

    def mixed(function) -> Tensor:
        x, gain, bias = arguments()
        inner = function(x, gain, bias, EPSILON)
        twice = function(inner.tanh(), gain, bias, EPSILON)
        (by_gain,) = torch.autograd.grad(twice.square().sum(), gain, create_graph=True)
        return torch.autograd.grad(by_gain.sum(), x)[0]

    torch.testing.assert_close(mixed(normalised), mixed(plain), rtol=1e-9, atol=1e-10)


def test_a_discarded_result_and_one_not_in_memory_order():
    x, gain, bias = arguments()
    upside = x.detach().permute(0, 1, 3, 2).requires_grad_()
    found = [torch.autograd.grad(f(upside, gain, bias, EPSILON).tanh().sum(), [upside, gain, bias]) for f in (normalised, plain)]
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-10)
    y = normalised(x, gain, bias, EPSILON)
    assert torch.autograd.grad(y.sum(), [gain], retain_graph=True)[0].abs().max() < 1e-10  # Σ of a standardised x is 0
    torch.testing.assert_close(torch.autograd.grad(y.sum(), [bias])[0], torch.full((2,), 36.0, dtype=torch.float64))
