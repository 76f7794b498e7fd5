from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.networks import lenet
from saddlebench.games.networks.lenet import LeNet, as_pixels, extract, fixed_classifier, load_extractor

Splits = dict[str, tuple[Tensor, Tensor]]


def test_size_and_accuracy_of_the_trained_network(mnist: Splits) -> None:
    net = load_extractor()
    assert sum(weight.numel() for weight in net.parameters()) == 114_314
    images, labels = mnist["test"]
    features, logits = extract(net, images)
    assert features.shape == (10_000, 64)
    assert (logits.argmax(1) == labels).double().mean() >= 0.985


def test_clothing_has_a_network_of_its_own(fashion: Splits) -> None:
    images, labels = fashion["test"]
    right = [(extract(load_extractor(data), images)[1].argmax(1) == labels).double().mean() for data in ("fashion-mnist", "mnist")]
    assert right[0] > 0.88 > 0.2 > right[1]  # chance is .1


def test_it_is_fixed() -> None:
    net = load_extractor()
    assert not net.training
    assert not any(weight.requires_grad for weight in net.parameters())
    with torch.no_grad():
        net.conv1.weight.zero_()
    assert load_extractor().conv1.weight.abs().sum() > 0  # nobody else sees what one user does to a copy


def test_all_conventions_of_one_image_give_the_same_features(mnist: Splits) -> None:
    images = mnist["test"][0][:50]
    floats = images.float() / 127.5 - 1
    net = load_extractor()
    expected, _ = extract(net, images)
    for same in (
        images.view(50, 784),
        images.view(50, 1, 28, 28),
        floats,
        floats.view(50, 784),
        floats.double(),
        floats + 0.0039 * torch.linspace(-1, 1, 784).view(28, 28),  # less than half a grey level
    ):
        assert torch.equal(extract(net, same)[0], expected)
    assert torch.equal(extract(net, 1.5 * torch.ones(1, 784))[0], extract(net, torch.ones(1, 784))[0])


def test_grey_levels() -> None:
    row = torch.tensor([-1.0, -1 + 1 / 127.5, 0.0, 1.0, 7.0, torch.nan, torch.inf]).repeat(1, 112)
    shown = as_pixels(row).flatten()[:7]
    assert shown[:2].tolist() == pytest.approx([-1, -1 + 1 / 127.5])
    assert abs(shown[2]) < 1 / 127.5
    assert shown[3:5].tolist() == [1, 1]
    assert shown[5:].isnan().all()


def test_one_image_that_is_not_finite_leaves_the_others_alone(mnist: Splits) -> None:
    images = mnist["test"][0][:20].float() / 127.5 - 1
    net = load_extractor()
    expected, _ = extract(net, images)
    images[3, 5, 5] = torch.nan
    features, logits = extract(net, images)
    assert features[3].isnan().any()
    assert logits[3].isnan().all()
    others = [i for i in range(20) if i != 3]
    assert torch.equal(features[others], expected[others])


def test_batches_do_not_matter(mnist: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    images = mnist["test"][0][:103]
    net = load_extractor()
    together = extract(net, images)
    monkeypatch.setattr(lenet, "_BATCH", 10)
    for whole, parts in zip(together, extract(net, images), strict=True):
        assert torch.allclose(whole, parts, rtol=1e-5, atol=1e-5)


def test_a_surrounding_autocast_has_no_effect(mnist: Splits) -> None:
    images = mnist["test"][0][:20]
    net = load_extractor()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = extract(net, images)[0]
    assert torch.equal(inside, extract(net, images)[0])


@pytest.mark.parametrize("images", [torch.zeros(3, 28), torch.zeros(3, 3, 28, 28), torch.zeros(3, 784, dtype=torch.int64)])
def test_other_shapes_and_dtypes_are_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match="expected"):
        load_extractor().outputs(images)


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = lenet.LENETS["mnist"]
    content = bytearray(right.weights.read_bytes())
    content[-1] ^= 1
    (tmp_path / "weights").write_bytes(content)
    for path in ("weights", "absent"):
        monkeypatch.setitem(lenet.LENETS, "mnist", replace(right, weights=tmp_path / path))
        with pytest.raises(InputError, match="reinstall"):
            load_extractor()


def test_the_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    LeNet()
    load_extractor()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_fixed_classifier_takes_any_leading_axes(mnist: Splits) -> None:
    images = mnist["test"][0][:12]
    logits = fixed_classifier("mnist")(images.view(2, 6, 28, 28))
    assert logits.shape == (2, 6, 10)
    assert torch.equal(logits.flatten(0, 1), extract(load_extractor(), images)[1])
    with pytest.raises(InputError, match="did you mean 'mnist'"):
        fixed_classifier("mnits")
