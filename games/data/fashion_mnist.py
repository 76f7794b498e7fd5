"""Fashion-MNIST: 60,000 + 10,000 pictures of ten kinds of clothing, 28 × 28 grey levels (Xiao, Rasul, Vollgraf 2017).

Files have MNIST's names and format. The checksums in the code are of the arrays' bytes; the published files (IDX, after gunzip)
have these md5s, and the test re-encodes the arrays to check them:

    train-images-idx3-ubyte  f4a8712d7a061bf5bd6d2ca38dc4d50a
    train-labels-idx1-ubyte  9018921c3c673c538a1fc5bad174d6f9
    t10k-images-idx3-ubyte   8181f5470baa50b63fa0f6fddb340f0a
    t10k-labels-idx1-ubyte   15d484375f8d13e6eb1aabb0c3f46965

Known statistics of the training images: mean .2860 and standard deviation .3530 of the pixels in [0, 1].
"""

from collections.abc import Mapping
from typing import ClassVar

from saddlebench.games.data.dataset import ArraySpec, Dataset, Source
from saddlebench.games.data.idx import idx_decoder
from saddlebench.games.data.mnist import FILES
from saddlebench.games.data.sources import debian, placed, torchvision


class FashionMnist(Dataset):
    """Pictures of clothing, 28 × 28 grey levels, ten classes."""

    name = "fashion-mnist"
    arrays: ClassVar[Mapping[str, ArraySpec]] = {
        "train_images": ArraySpec((60000, 28, 28), "f209073e486d5113ebe2cc431d4df862"),
        "train_labels": ArraySpec((60000,), "3236f6424fc25388b2834cb19942cf7e"),
        "test_images": ArraySpec((10000, 28, 28), "b7656a891b218fc13e45205c48a92cae"),
        "test_labels": ArraySpec((10000,), "8dea97a4e78c1bd1b5a6e8efbb870b6e"),
    }
    classes = 10
    by_hand = tuple(f"{name}[.gz]" for name in FILES.values())

    def sources(self) -> tuple[Source, ...]:
        """By hand, torchvision's mirror, Debian's dataset-fashion-mnist (installed, or else downloaded)."""
        decode = idx_decoder(FILES)
        return (
            placed(decode, shared="FashionMNIST/raw"),
            torchvision("FashionMNIST", "FashionMNIST/raw", decode),
            debian("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist", decode),
        )
