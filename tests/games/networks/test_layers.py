"""Every layer against torch's own with the same weights, or against its formula written out; three runs at once."""

import pytest
import torch
from torch import nn

from saddlebench.games.networks.layers import (
    BatchNorm,
    ConditionalBatchNorm,
    Conv,
    Embedding,
    Linear,
    MinibatchDiscrimination,
    VirtualBatchNorm,
    as_image,
    summed,
)
from saddlebench.games.networks.network import fold, unfold
from saddlebench.games.networks.weight_norm import WeightNormLinear

LABELS = torch.tensor([[0, 2, 1, 2], [1, 1, 0, 2], [2, 0, 0, 1]])
IMAGES = {
    "conv": Conv("a", 2, 5, 3, 1, 1),
    "conv that halves": Conv("a", 2, 5, 4, 2, 1),
    "conv without bias": Conv("a", 2, 5, 1, bias=False),
    "transposed": Conv("a", 2, 5, 4, 2, 1, transposed=True),
    "spectral conv": Conv("a", 2, 5, 3, 1, 1, spectral=True),
    "batch norm": BatchNorm("a", 2),
    "batch norm without gain": BatchNorm("a", 2, gain=False),
    "conditional batch norm": ConditionalBatchNorm("a", 2, 3),
    "virtual batch norm": VirtualBatchNorm("a", 2, 2),
}
VECTORS = {
    "linear": Linear("a", 6, 3),
    "linear without bias": Linear("a", 6, 3, bias=False),
    "spectral linear": Linear("a", 6, 3, spectral=True),
    "embedding": Embedding("a", 3, 5),
    "minibatch discrimination": MinibatchDiscrimination("a", 6, 4, 3),
    "weight norm": WeightNormLinear("a", 6, 3),
}


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer", IMAGES.values(), ids=IMAGES)
def test_three_runs_together_equal_three_alone_on_images(make, layer):
    scope, x = make.scope_of(layer, LABELS), make.drawn("x", 4, 2, 6, 6)
    together = unfold(layer(fold(x), scope), 3)
    for run in range(3):
        close(together[run : run + 1], unfold(layer(fold(x[run : run + 1]), make.of_run(scope, run)), 1))


@pytest.mark.parametrize("layer", VECTORS.values(), ids=VECTORS)
def test_three_runs_together_equal_three_alone_on_vectors(make, layer):
    scope, x = make.scope_of(layer, LABELS), make.drawn("x", 4, 6)
    together = layer(x, scope)
    for run in range(3):
        close(together[run : run + 1], layer(x[run : run + 1], make.of_run(scope, run)))


@pytest.mark.parametrize("name", ["linear", "linear without bias"])
def test_linear_equals_torch(make, name):
    layer, x = VECTORS[name], make.drawn("x", 4, 6)
    scope = make.scope_of(layer)
    for run in range(3):
        own = nn.Linear(6, 3, bias=layer.bias, dtype=torch.float64)
        own.load_state_dict({k.removeprefix("a."): w[run] for k, w in scope.weights.items()})
        close(layer(x, scope)[run], own(x[run]))


@pytest.mark.parametrize("name", ["conv", "conv that halves", "conv without bias", "transposed"])
def test_convolution_equals_torch(make, name):
    layer, x = IMAGES[name], make.drawn("x", 4, 2, 6, 6)
    scope = make.scope_of(layer)
    found = unfold(layer(fold(x), scope), 3)
    kind = nn.ConvTranspose2d if layer.transposed else nn.Conv2d
    for run in range(3):
        own = kind(2, 5, layer.kernel, layer.stride, layer.padding, bias=layer.bias, dtype=torch.float64)
        own.load_state_dict({k.removeprefix("a."): w[run] for k, w in scope.weights.items()})
        close(found[run], own(x[run]))


def test_grouped_convolution_is_the_same_as_one_run_after_another(make):
    """The branch of GPUs: a grouped convolution, a group a run."""
    for name in ("conv that halves", "transposed"):
        layer, x = IMAGES[name], fold(make.drawn("x", 4, 2, 6, 6))
        scope = make.scope_of(layer)
        weight, bias = scope.weights["a.weight"], scope.weights["a.bias"]
        convolve = nn.functional.conv_transpose2d if layer.transposed else nn.functional.conv2d
        grouped = convolve(x, weight.flatten(0, 1), bias.flatten(), stride=2, padding=1, groups=3)
        close(layer(x, scope), grouped)


def test_weight_norm_equals_torch(make):
    layer, x = VECTORS["weight norm"], make.drawn("x", 4, 6)
    scope = make.scope_of(layer)
    for run in range(3):
        own = nn.utils.parametrizations.weight_norm(nn.Linear(6, 3, dtype=torch.float64))
        own.bias.data = scope.weights["a.bias"][run]
        own.parametrizations.weight.original0.data = scope.weights["a.length"][run, :, None]
        own.parametrizations.weight.original1.data = scope.weights["a.direction"][run]
        torch.testing.assert_close(layer(x, scope)[run], own(x[run]), rtol=1e-5, atol=1e-5)  # ours has a tiny number under the root


def test_batch_norm_without_gain_has_a_gain_of_one(make):
    layer, whole, x = IMAGES["batch norm without gain"], IMAGES["batch norm"], fold(make.drawn("x", 4, 2, 6, 6))
    scope = make.scope_of(whole)
    scope.weights["a.gain"].fill_(1)
    assert list(layer.weights()) == ["a.bias"]
    close(layer(x, make.scope_of(layer)), whole(x, scope))


def test_batch_norm_equals_torch_in_training(make):
    layer, x = BatchNorm("a", 2, epsilon=1e-3), make.drawn("x", 4, 2, 6, 6) * 3 + 5
    scope = make.scope_of(layer)
    found = unfold(layer(fold(x), scope), 3)
    for run in range(3):
        own = nn.BatchNorm2d(2, eps=1e-3, dtype=torch.float64).train()
        own.weight.data, own.bias.data = scope.weights["a.gain"][run], scope.weights["a.bias"][run]
        close(found[run], own(x[run]))


def test_conditional_batch_norm_by_hand(make):
    layer, x = IMAGES["conditional batch norm"], make.drawn("x", 4, 2, 6, 6)
    scope = make.scope_of(layer, LABELS)
    found = unfold(layer(fold(x), scope), 3)
    gain, bias = scope.weights["a.gain"], scope.weights["a.bias"]
    for run in range(3):
        for c in range(2):
            pixels = x[run, :, c]
            unit = (pixels - pixels.mean()) / (pixels.var(correction=0) + 1e-5).sqrt()
            for k, label in enumerate(LABELS[run]):
                close(found[run, k, c], (1 + gain[run, label, c]) * unit[k] + bias[run, label, c])


def test_conditional_batch_norm_begins_as_plain_batch_norm(make):
    """Gains of 0 are factors of 1: without the "1 +" every image would be constant."""
    layer, x = IMAGES["conditional batch norm"], fold(make.drawn("x", 4, 2, 6, 6))
    assert {w.start for w in layer.weights().values()} == {"zeros"}
    scope, plain = make.scope_of(layer, LABELS), make.scope_of(IMAGES["batch norm"])
    for weight in scope.weights.values():
        weight.zero_()
    plain.weights["a.gain"].fill_(1)
    plain.weights["a.bias"].zero_()
    close(layer(x, scope), IMAGES["batch norm"](x, plain))


def test_virtual_batch_norm_by_hand(make):
    """The moments of example i are those of the two reference examples and of i, three sets of pixels taken as one."""
    layer, x = IMAGES["virtual batch norm"], make.drawn("x", 5, 2, 6, 6) + 1
    scope = make.scope_of(layer)
    found = unfold(layer(fold(x), scope), 3)
    for run in range(3):
        for c in range(2):
            for k in range(5):
                pixels = torch.cat([x[run, :2, c], x[run, k : k + 1, c]])
                unit = (x[run, k, c] - pixels.mean()) / (pixels.var(correction=0) + 1e-5).sqrt()
                close(found[run, k, c], unit * scope.weights["a.gain"][run, c] + scope.weights["a.bias"][run, c])


def test_virtual_batch_norm_of_an_example_does_not_see_the_others(make):
    layer, x = IMAGES["virtual batch norm"], make.drawn("x", 5, 2, 6, 6)
    scope, other = make.scope_of(layer), x.clone()
    other[:, 3] = 100.0
    before, after = (unfold(layer(fold(y), scope), 3) for y in (x, other))
    assert torch.equal(before[:, [0, 1, 2, 4]], after[:, [0, 1, 2, 4]])
    assert not torch.equal(before[:, 3], after[:, 3])
    other[:, 0] = 2.0  # of the reference batch: all see it
    assert not torch.isclose(before, unfold(layer(fold(other), scope), 3)).all(-1).any()


def test_minibatch_discrimination_by_a_double_loop(make):
    layer, x = VECTORS["minibatch discrimination"], make.drawn("x", 4, 6)
    scope = make.scope_of(layer)
    found = layer(x, scope)
    assert found.shape == (3, 4, 10)
    close(found[..., :6], x)
    for run in range(3):
        rows = (x[run] @ scope.weights["a.weight"][run].T).view(4, 4, 3)  # example, kernel, dimension
        for i in range(4):
            for b in range(4):
                near = sum(torch.exp(-(rows[i, b] - rows[j, b]).abs().sum()) for j in range(4) if j != i)
                close(found[run, i, 6 + b], near)


def test_embedding_gives_each_label_its_row(make):
    layer = VECTORS["embedding"]
    scope = make.scope_of(layer, LABELS)
    found = layer(torch.empty(0), scope)
    for run in range(3):
        assert torch.equal(found[run], scope.weights["a.weight"][run][LABELS[run]])


@pytest.mark.parametrize("layer", [*IMAGES.values(), *VECTORS.values()], ids=[*IMAGES, *VECTORS])
def test_first_and_second_derivatives_equal_finite_differences(make, layer):
    scope = make.scope_of(layer, LABELS)
    images = layer in IMAGES.values()
    x = make.drawn("x", 4, 2, 4, 4) if images else make.drawn("x", 4, 6)
    start = [x, *scope.weights.values()]
    names = list(scope.weights)
    direction = [make.drawn(f"direction {k}", *t.shape[1:]) for k, t in enumerate(start)]

    def value(step):
        moved = [t + step * d for t, d in zip(start, direction, strict=True)]
        there = scope.__class__(dict(zip(names, moved[1:], strict=True)), scope.vectors, 3, LABELS)
        return layer(fold(moved[0]) if images else moved[0], there).tanh().square().sum()

    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(value, (step,))
    assert torch.autograd.gradgradcheck(value, (step,))


def test_vectors_become_images_and_sums(make):
    x = make.drawn("x", 4, 12)
    images = as_image(x, 3, 2)
    assert images.shape == (4, 9, 2, 2)
    assert torch.equal(unfold(images, 3).flatten(2), x)
    close(summed(images, 3), x.view(3, 4, 3, 4).sum(-1))
