"""What lite0's measures must show on CIFAR-10: real images before blurred before noisy ones, at any count."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

pytest.importorskip("efficientnet_lite_pytorch", reason="the extra [offline] is not installed")

from saddlebench.bench.images.downstream import accuracy
from saddlebench.bench.images.extractors import extract
from saddlebench.bench.images.judges import lite0_judge
from saddlebench.bench.images.lite0 import lite0
from saddlebench.bench.images.neighbours import normalised, prdc

Splits = dict[str, tuple[Tensor, Tensor]]


def blurred(images: Tensor) -> Tensor:
    return gaussian_blur(images, [7, 7], [1.0, 1.0])


def noisy(images: Tensor, level: float = 0.1) -> Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return ((images / 255 + level * noise).clamp(0, 1) * 255).round().to(torch.uint8)


def uniform(images: Tensor) -> Tensor:
    return torch.randint(0, 256, images.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_the_measures_rank_what_they_must(cifar10: Splits) -> None:
    images = cifar10["test"][0].permute(0, 3, 1, 2)
    real = extract(lite0(), images[:150])
    judge = lite0_judge(lite0()).fit(real, 150)
    made: list[Callable[[Tensor], Tensor]] = [lambda x: x, blurred, noisy, uniform]
    found = [judge(extract(lite0(), make(images[150:300]))) for make in made]
    distances = [values["fd_lite0_pca64"] for values in found]
    assert distances == sorted(distances)
    assert distances[-1] > 5 * distances[0]
    kernels = [values["kid_lite0"] for values in found]
    assert abs(kernels[0]) < 0.1 < kernels[1] < kernels[2]
    for name in ("precision", "density", "coverage"):
        values = [values[name] for values in found]
        assert values[0] > values[1] > values[2] >= values[3] == 0
    assert found[0]["recall"] > 0.8 > 0.05 > found[3]["recall"]


@pytest.mark.slow
def test_the_table_of_known_sets(cifar10: Splits, mnist: Splits, capsys: pytest.CaptureFixture[str]) -> None:
    """Against 5,000 test images, as measured once by an implementation of others (principal components and halves of its own)."""
    order = torch.randperm(10_000, generator=torch.Generator().manual_seed(0))  # the file's own halves differ more than random ones
    labels = cifar10["test"][1][order]
    images, some = cifar10["test"][0].permute(0, 3, 1, 2)[order], slice(5000, 7000)
    all_features = extract(lite0(), images)
    real, other = all_features.split(5000)
    judge = lite0_judge(lite0()).fit(real, 5000)
    sets = {
        "other half": (other, 5.15),
        "2000": (other[:2000], 8.8),
        "1000": (other[:1000], 13.2),
        "blur": (extract(lite0(), blurred(images[some])), 165),
        "noise": (extract(lite0(), noisy(images[some])), 444),
        "one class": (other[labels[5000:] == 3], 240),
        "one class dropped": (other[labels[5000:] != 3], 9.28),
        "MNIST": (extract(lite0(), mnist["test"][0][:2000].unsqueeze(1)), 958),
        "uniform noise": (extract(lite0(), uniform(images[some])), 1248),
    }
    found = {name: judge(features) for name, (features, _) in sets.items()}
    with capsys.disabled():
        for name, values in found.items():
            print(f"\n{name:18}", *(f"{key} {value:.3f}" for key, value in values.items()), end="")
    for name, (_, expected) in sets.items():
        assert found[name]["fd_lite0_pca64"] == pytest.approx(expected, rel=0.2), name
    kernels = {"other half": 0, "blur": 0.465, "noise": 1.15, "MNIST": 3.06, "uniform noise": 2.51}
    for name, expected in kernels.items():
        assert found[name]["kid_lite0"] == pytest.approx(expected, rel=0.05, abs=0.005), name
    directions = normalised(real)
    neighbourhoods = {
        "other half": (0.85, 0.83, 1.02, 0.87),
        "uniform noise": (0, 0, 0, 0),
    }
    for name, expected in neighbourhoods.items():
        values = prdc(directions, normalised(sets[name][0]), k=3)  # the table's k
        assert list(values.values()) == pytest.approx(expected, abs=0.04), name
    train, train_labels = cifar10["train"]
    probe = extract(lite0(), train[:5000].permute(0, 3, 1, 2))
    assert accuracy(probe, train_labels[:5000], other, labels[5000:], 10) == pytest.approx(0.798, abs=0.015)
