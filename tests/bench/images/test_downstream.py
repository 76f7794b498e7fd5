import pytest
import torch
from torch import Tensor

from saddlebench.bench.images.downstream import Downstream, Ridge
from saddlebench.errors import InputError


def clusters(n: int, seed: int, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    """Three well separated classes in turn."""
    labels = torch.arange(n) % 3
    noise = torch.randn(n, 6, generator=torch.Generator().manual_seed(seed))
    return 8 * torch.eye(6)[labels] + spread * noise, labels


def test_ridge_regression_solves_its_normal_equations() -> None:
    x, labels = clusters(50, 0)
    ridge = Ridge(x, labels, 3)
    centred = x.double() - x.double().mean(0)
    y = torch.nn.functional.one_hot(labels, 3).double()
    damping = 1e-3 * centred.square().sum()
    weights = ridge._weights.clone().requires_grad_()
    loss = (centred @ weights - (y - y.mean(0))).square().sum() + damping * weights.square().sum()
    (gradient,) = torch.autograd.grad(loss, weights)
    assert gradient.abs().max() < 1e-9
    assert (ridge.classify(x) == labels).all()


def test_real_like_samples_teach_all_classes_and_collapsed_ones_do_not() -> None:
    measure = Downstream("e", clusters(90, 0), clusters(90, 1), clusters(60, 2)[0])
    images = torch.zeros(60, 1, 2, 2, dtype=torch.uint8)
    assert measure(images, {"e": clusters(60, 3)[0]})["downstream_accuracy"] > 0.95
    features, labels = clusters(180, 4)
    collapsed = features[labels != 1][:60]
    assert measure(images, {"e": collapsed})["downstream_accuracy"] == pytest.approx(2 / 3, abs=0.05)
    assert measure.floor()["downstream_accuracy"] > 0.95


def test_a_conditional_generators_classes_are_those_asked_for() -> None:
    images = torch.zeros(60, 1, 2, 2, dtype=torch.uint8)
    features, _ = clusters(60, 3)
    measure = Downstream("e", clusters(90, 0), clusters(90, 1), clusters(60, 2)[0], in_turn=True)
    assert measure(images, {"e": features})["downstream_accuracy"] > 0.95
    assert measure(images, {"e": features.roll(1, 0)})["downstream_accuracy"] < 0.05  # every class is another one


def test_one_class_is_refused() -> None:
    x, labels = clusters(30, 0)
    with pytest.raises(InputError, match="two classes"):
        Downstream("e", (x, 0 * labels), (x, 0 * labels), x)
