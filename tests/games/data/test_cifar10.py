import hashlib
import io
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saddlebench.games.data import cifar10 as module
from saddlebench.games.data import fetch, load, status
from saddlebench.games.data.dataset import SourceError

pytestmark = pytest.mark.usefixtures("cifar10_folder")


def as_pictures(folder: Path) -> None:
    """The data set in its layout of pictures (stored, not compressed, to be quick)."""
    folder.mkdir(parents=True)
    images, labels = load("cifar10", "train")
    rows = {f"data_batch_{i + 1}": images[10_000 * i : 10_000 * (i + 1)] for i in range(5)}
    rows["test_batch"], test_labels = load("cifar10", "test")
    for name, part in rows.items():
        Image.fromarray(part.reshape(10_000, 1024, 3)).save(folder / f"{name}.png", compress_level=0)
    (folder / "train_lables.json").write_text(json.dumps(labels.tolist()))
    (folder / "test_lables.json").write_text(json.dumps(test_labels.tolist()))


def as_pickles(folder: Path) -> dict[str, str]:
    """The layout of pickled batches, and the md5s of its files (pickles of other versions of Python differ in bytes)."""
    folder.mkdir(parents=True)
    sums = {}
    for name in module.PICKLES:
        split, part = ("test", 0) if name == "test_batch" else ("train", int(name[-1]) - 1)
        images, labels = (array[10_000 * part : 10_000 * (part + 1)] for array in load("cifar10", split))
        rows = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(10_000, 3072)
        content = pickle.dumps({b"data": rows, b"labels": labels.tolist()})
        (folder / name).write_bytes(content)
        sums[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return sums


def test_statistics() -> None:
    images, labels = load("cifar10", "train")
    assert labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert images[0, 0, 0].tolist() == [59, 62, 63]
    assert np.bincount(labels).tolist() == [5000] * 10
    assert np.bincount(load("cifar10", "test")[1]).tolist() == [1000] * 10
    levels = np.arange(256) / 255
    for channel, (mean, std) in enumerate([(0.4914, 0.2470), (0.4822, 0.2435), (0.4465, 0.2616)]):
        counts = np.bincount(images[..., channel].ravel(), minlength=256)  # exact, from the counts of the levels
        found = counts @ levels / counts.sum()
        assert found == pytest.approx(mean, abs=6e-5)
        assert np.sqrt(counts @ (levels - found) ** 2 / counts.sum()) == pytest.approx(std, abs=6e-5)


def test_pictures_put_in_place_by_hand_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_pictures(tmp_path / "cifar10")
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))
    lines: list[str] = []
    assert fetch("cifar10", progress=lines.append) == tmp_path / "cifar10"
    assert [line for line in lines if "trying" in line] == ["cifar10: trying files put in place"]
    assert next(row for row in status() if row["name"] == "cifar10")["checksum"] is True


@pytest.mark.parametrize("layout", ["", "cifar-10-batches-py"])
def test_batches_are_read_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    sums = as_pickles(tmp_path / "files" / layout)
    monkeypatch.setattr(module, "PICKLES", sums)
    arrays = module.decode(tmp_path / "files")
    module.Cifar10().verify(arrays)


def test_a_pickle_that_is_not_the_published_one_is_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({}))
    monkeypatch.setattr(module.pickle, "loads", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(SourceError, match=r"^data_batch_1: md5"):
        module.decode(tmp_path)


def test_missing_and_torn_pictures_are_named(tmp_path: Path) -> None:
    for name in ("train_lables.json", "test_lables.json"):
        (tmp_path / name).write_text("[]")
    with pytest.raises(SourceError, match=r"data_batch_1\.png"):
        module.decode(tmp_path)
    whole = io.BytesIO()
    Image.fromarray(np.zeros((10, 1024, 3), np.uint8)).save(whole, "png")
    for name in module.PICKLES:
        (tmp_path / f"{name}.png").write_bytes(whole.getvalue()[:60])
    with pytest.raises(SourceError, match="CIFAR-10 as pictures"):
        module.decode(tmp_path)
    shutil.rmtree(tmp_path)
