import hashlib
import struct

import numpy as np
import pytest

from saddlebench.games.data import load

pytestmark = pytest.mark.usefixtures("fashion_folder")

# md5 of the IDX files as they were published, after gunzip
PUBLISHED = {
    ("train", 0): "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    ("train", 1): "9018921c3c673c538a1fc5bad174d6f9",
    ("test", 0): "8181f5470baa50b63fa0f6fddb340f0a",
    ("test", 1): "15d484375f8d13e6eb1aabb0c3f46965",
}


@pytest.mark.parametrize(("split", "which"), PUBLISHED)
def test_the_arrays_are_the_published_files(split: str, which: int) -> None:
    array = load("fashion-mnist", split)[which]
    content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == PUBLISHED[split, which]


def test_statistics() -> None:
    images, labels = load("fashion-mnist", "train")
    assert labels[:5].tolist() == [9, 0, 0, 3, 0]
    assert load("fashion-mnist", "test")[1][:5].tolist() == [9, 2, 1, 1, 6]
    assert np.bincount(labels).tolist() == [6000] * 10
    counts, levels = np.bincount(images.ravel(), minlength=256), np.arange(256) / 255
    mean = counts @ levels / counts.sum()
    assert mean == pytest.approx(0.2860, abs=5e-5)
    assert np.sqrt(counts @ (levels - mean) ** 2 / counts.sum()) == pytest.approx(0.3530, abs=5e-5)
