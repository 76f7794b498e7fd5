import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from saddlebench.games.data import fetch, load, status
from saddlebench.games.data.mnist import FILES

pytestmark = pytest.mark.usefixtures("mnist_folder")

# md5 of the IDX files as they were published, after gunzip
PUBLISHED = {
    "train_images": "6bbc9ace898e44ae57da46a324031adb",
    "train_labels": "a25bea736e30d166cdddb491f175f624",
    "test_images": "2646ac647ad5339dbf082846283269ea",
    "test_labels": "27ae3e4e09519cfbb04c329615203637",
}


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def arrays() -> dict[str, np.ndarray]:
    both = {split: load("mnist", split) for split in ("train", "test")}
    return {f"{split}_{kind}": both[split][i] for split in both for i, kind in enumerate(("images", "labels"))}


@pytest.mark.parametrize("key", PUBLISHED)
def test_the_arrays_are_the_published_files(key: str) -> None:
    assert hashlib.md5(idx(arrays()[key]), usedforsecurity=False).hexdigest() == PUBLISHED[key]


def test_statistics() -> None:
    images, labels = load("mnist", "train")
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert load("mnist", "test")[1][:5].tolist() == [7, 2, 1, 0, 4]
    # exact, from the counts of the 256 grey levels
    counts, levels = np.bincount(images.ravel(), minlength=256), np.arange(256) / 255
    mean = counts @ levels / counts.sum()
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert np.sqrt(counts @ (levels - mean) ** 2 / counts.sum()) == pytest.approx(0.3081, abs=5e-5)
    assert np.bincount(labels).min() == 5421  # of the digit 5


def test_files_put_in_place_by_hand_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = arrays()
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for key, array in given.items():
        zipped = key == "test_images"
        content = gzip.compress(idx(array), 1) if zipped else idx(array)
        (tmp_path / "mnist" / (FILES[key] + ".gz" * zipped)).write_bytes(content)
    lines: list[str] = []
    assert fetch("mnist", progress=lines.append) == tmp_path / "mnist"
    assert [line for line in lines if "trying" in line] == ["mnist: trying files put in place"]
    row = next(row for row in status() if row["name"] == "mnist")
    assert row["checksum"] is True
    assert row["bytes"] == sum(array.nbytes + 128 for array in given.values())  # 128: the header of a .npy file
