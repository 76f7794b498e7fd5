"""The graph of a step is the step: cleaned, with what never changes taken out, called by faster names."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from saddlebench.bench.compiling.graph import UntraceableError, bound, cleaned, lifted
from saddlebench.games.draws import normal


def graph_of(function, *inputs):
    return cleaned(make_fx(function)(*inputs), inputs)


def operations(module):
    return [str(node.target) for node in module.graph.nodes if node.op in ("call_function", "call_method")]


def test_what_is_computed_twice_is_computed_once():
    x = torch.randn(3, 2, dtype=torch.float64)
    module = graph_of(lambda x: (x.sin() * 2 + x.sin() * 2, x.cos() if False else x.sin()), x)
    assert operations(module) == ["aten.sin.default", "aten.mul.Tensor", "aten.add.Tensor"]
    assert torch.equal(module(x)[0], x.sin() * 4)


def test_what_nobody_asks_for_is_not_computed():
    def function(x):
        x.exp().sum()
        return x + 1

    assert operations(graph_of(function, torch.ones(2))) == ["aten.add.Tensor"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + torch.zeros_like(x),
        lambda x: torch.zeros(3, 2, dtype=x.dtype) + x,
        lambda x: x - torch.zeros_like(x),
        lambda x: x * 1.0 / 1,
    ],
)
def test_what_does_nothing_is_left_out(function):
    x = torch.randn(3, 2, dtype=torch.float64)
    module = graph_of(lambda x: function(x).exp(), x)
    assert operations(module) == ["aten.exp.default"]
    assert torch.equal(module(x), function(x).exp())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + torch.zeros(4, 3, 2),
        lambda x: x + torch.zeros_like(x, dtype=torch.float64),
        lambda x: torch.zeros_like(x) - x,
        lambda x: x.long() / 1,
        lambda x: torch.add(torch.zeros_like(x), x, alpha=2),
    ],
)
def test_what_broadcasts_promotes_or_negates_stays(function):
    x = torch.randn(3, 2)
    found, expected = graph_of(function, x)(x), function(x)
    assert torch.equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize(("divisor", "done"), [(2, "mul"), (-0.25, "mul"), (3, "div"), (2.0**-1030, "div")])
def test_a_division_by_a_power_of_two_is_a_product(divisor, done):
    x = torch.randn(5, dtype=torch.float64)
    module = graph_of(lambda x: x / divisor, x)
    assert operations(module) == [f"aten.{done}.Tensor"]
    assert torch.equal(module(x), x / divisor)


@pytest.mark.parametrize(("a", "b"), [(0.0, -0.0), (1, 1.0), (1, True)])
def test_numbers_that_are_merely_equal_are_told_apart(a, b):
    x = torch.ones(2, dtype=torch.int64) if b is True else torch.ones(2)
    module = graph_of(lambda x: (torch.full_like(x, a), torch.full_like(x, b)), x)
    assert len(operations(module)) == 2


def test_mutation_of_what_is_computed_becomes_a_value():
    def function(x):
        y = x * 2
        y[:, 0] += 1
        return y * x

    x = torch.randn(3, 2)
    kept = x.clone()
    module = graph_of(function, x)
    assert not [name for name in operations(module) if "_." in name]
    assert torch.equal(module(x), function(x))
    assert torch.equal(x, kept)


def test_two_draws_stay_two_and_one_asked_for_twice_is_one():
    """A draw is a hash of (seed, purpose, step, draw, index): different counters are different arguments."""
    seeds, step = torch.arange(3), torch.tensor(5)

    def function(seeds, step):
        return tuple(normal(seeds, what, 4, step, draw) for what, draw in (("z", 0), ("z", 1), ("x", 0), ("z", 0)))

    module = graph_of(function, seeds, step)
    found = module(seeds, step)
    for one, other in zip(found, function(seeds, step), strict=True):
        assert torch.equal(one, other)
    assert len({tuple(x.flatten().tolist()) for x in found}) == 3
    assert not torch.equal(module(seeds, step + 1)[0], found[0])  # new at every step
    once = graph_of(lambda seeds, step: normal(seeds, "z", 4, step, 0), seeds, step)
    assert len(operations(module)) < 4 * len(operations(once))


def test_a_draw_from_torchs_own_generator_is_refused():
    with pytest.raises(UntraceableError, match="torch's own generator"):
        graph_of(lambda x: x + torch.rand_like(x), torch.ones(2))


def test_what_never_changes_is_computed_before():
    matrix, seeds = torch.randn(2, 2), torch.arange(3)

    def function(x, seeds):
        return x @ (matrix.mT * 2).exp() + normal(seeds, "offset", 2).float()

    x = torch.randn(3, 2)
    module, fixed = lifted(graph_of(function, x, seeds), {1: seeds}, 2)
    assert operations(module) == ["aten.mm.default", "aten.add.Tensor"]
    assert torch.equal(module(x, *fixed), function(x, seeds))


def test_bindings_give_the_same_bits():
    x, y = torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    x[0, 0] = torch.nan

    def function(x, y):
        return torch.where(x > y, x.softmax(-1), y / x) + (x.view(4, 3) @ y[:, :3].mT).sum(), torch.sub(x, y, alpha=0.3)

    module = graph_of(function, x, y)
    fast, numbers = bound(module, [x, y])
    assert numbers == sum(node.meta["val"].numel() for node in module.graph.nodes if node.op == "call_function")
    assert any(node.target is torch.sub for node in fast.graph.nodes)
    for one, other in zip(fast(x, y), module(x, y), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
