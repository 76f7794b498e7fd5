from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from saddlebench.bench.images import inception
from saddlebench.bench.images.feature_metrics import FeatureMetrics
from saddlebench.bench.images.lenet_metrics import LeNetMetrics
from saddlebench.bench.images.metrics import Together, image_metrics
from saddlebench.errors import InputError

LITE0 = ("fd_lite0_pca64", "kid_lite0", "precision", "recall", "density", "coverage")


@pytest.fixture(autouse=True)
def fresh() -> None:
    image_metrics.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty pictures of noise in two classes, as training and as test images, and a cache of its own."""
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "cache"))
    generator = np.random.default_rng(0)
    for k in range(40):
        path = tmp_path / "pictures" / ("train" if k < 24 else "test") / ("dark" if k % 2 else "light") / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 100, (16, 20, 3)) + (0 if k % 2 else 155)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return tmp_path / "pictures"


def mine(folder: Path) -> str:
    path = folder.with_name("mine.py")
    path.write_text("def colours(images):\n    return images.float().mean((2, 3))\n")
    return f"{path}:colours"


def test_no_name_has_no_measures() -> None:
    assert image_metrics("") is None


def test_a_folder_has_lite0_measures_and_what_else_is_asked_for(folder: Path) -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra [offline] is not installed")
    name = f"{folder}?side=16&n_fake=8&n_real=12&also=memorisation,downstream,{mine(folder)}&labels=in-turn"
    found = image_metrics(name)
    assert isinstance(found, FeatureMetrics)
    expected = (*LITE0, "fd_colours", "nearest_ratio", "copied_fraction", "downstream_accuracy")
    assert found.names == expected
    values = found.evaluate(torch.rand(1, 8, 3, 16, 16) * 2 - 1)
    assert set(values) == set(expected)
    assert all(value.isfinite().all() for value in values.values())
    references = found.references()
    assert {f"{measure}_floor" for measure in expected} <= set(references)
    assert references["fd_lite0_pca64_n_real"] == 12
    assert references["fd_colours_floor"] < references["fd_colours_uniform_noise"]
    for part in ("lite0 96px", "pca64", "colours source", f"reference {folder} train"):
        assert part in found.extractor


def test_digits_can_have_further_measures(mnist: object) -> None:
    assert mnist
    assert isinstance(image_metrics("mnist"), LeNetMetrics)
    both = image_metrics("mnist?n_fake=50&also=math:sqrt")
    assert isinstance(both, Together)
    assert both.n_fake == 50
    assert "lenet-mnist" in both.extractor
    assert "math:sqrt" in both.extractor


def test_without_inceptions_weights_one_line_is_said_and_columns_stay_empty(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent() -> None:
        raise InputError("no Inception weights: put them there")

    monkeypatch.setattr(inception, "inception", absent)
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra [offline] is not installed")
    name = f"{folder}?side=16&n_fake=8&n_real=12&also=fid"
    found = image_metrics(name)
    assert image_metrics(name) is found
    said = capsys.readouterr().err
    assert said == "no fid, kid and inception_score: no Inception weights: put them there\n"
    assert found is not None
    values = found.evaluate(torch.zeros(1, 8, 3, 16, 16))
    assert values["fid"].isnan().all()
    assert values["inception_score"].isnan().all()
    assert values["precision"].isfinite().all()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnsit", "did you mean 'mnist'"),
        ("cifar10?nfake=5", "unknown setting of image measures 'nfake': did you mean 'n_fake'"),
        ("mnist?n_real=5", "unknown setting of image measures 'n_real'"),
        ("cifar10?n_fake=many", "expected a whole number"),
        ("cifar10?n_fake", "expected key=value"),
        ("cifar10?also=memorization", "did you mean 'memorisation'"),
        ("cifar10?labels=random", "expected in-turn"),
        ("./no/such/folder?side=16", "is not there"),
    ],
)
def test_what_cannot_be_is_a_clear_error(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        image_metrics(name)


def test_a_folder_needs_a_side(folder: Path) -> None:
    with pytest.raises(InputError, match="give a side"):
        image_metrics(str(folder))
