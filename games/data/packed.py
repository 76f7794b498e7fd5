"""Large data sets in one file a split: written by `packing`, opened here.

    <root>/imagenet128/train.json             what is in it; written last, so a split is there whole or not at all
    <root>/imagenet128/train_images.npy       uint8 (N, 128, 128, 3), read in place
    <root>/imagenet128/train_labels.npy       int64 (N,)

and likewise ``test`` (ImageNet's validation images). ``imagenetSIDE`` is the name for every side.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from saddlebench.errors import InputError
from saddlebench.games.data.files import data_root, open_array

BLOCK = 256  # images whose bytes have a checksum together
_NAME = re.compile(r"imagenet([1-9]\d{0,3})")
_USUAL = {"train": 1_281_167, "test": 50_000}  # of ILSVRC 2012, before it is there
_CLASSES = 1000


def packed_side(name: str) -> int | None:
    """The side of a packed data set's images, by its name; None for other names."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


@dataclass(frozen=True)
class Packed:
    """One split of a packed data set.

    Attributes:
        name: of the data set.
        split: ``"train"`` or ``"test"``.
        items: images.
        side: width and height.
        classes: names, in the order of the labels.
        checksum: of all images, from those of the blocks.
        about: the rest of what ``SPLIT.json`` says: source, kinds of pictures, what could not be read.
    """

    name: str
    split: str
    items: int
    side: int
    classes: tuple[str, ...]
    checksum: str
    about: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the images."""
        return (self.items, self.side, self.side, 3)

    def file(self, part: str) -> Path:
        """Of ``images`` or ``labels``."""
        return folder_of_packed(self.name) / f"{self.split}_{part}.npy"

    def open(self) -> tuple[np.ndarray, np.ndarray]:
        """Images, memory-mapped, and labels.

        Raises:
            InputError: a file is missing or torn.
        """
        images = open_array(self.file("images"), (self.about["rows"], *self.shape[1:]))
        labels = None
        with suppress(OSError, ValueError, EOFError):
            labels = np.load(self.file("labels"))
        if images is None or labels is None or labels.shape != (self.items,):
            raise InputError(
                f"{self.name}'s {self.split} split in {folder_of_packed(self.name)} is damaged: {_remedy(self.name)} --force"
            )
        return images[: self.items], labels

    def faults(self, told: Callable[[int], None] = lambda _: None) -> Iterator[str]:
        """What is not as it was written: every byte is read."""
        images, labels = self.open()
        for k, expected in enumerate(self.about["blocks"]):
            rows = images[k * BLOCK : (k + 1) * BLOCK]
            if block_checksum(rows) != expected:
                yield f"{self.name}: {self.split} images {k * BLOCK} to {k * BLOCK + len(rows) - 1} have another checksum"
            told(len(rows))
        if hashlib.sha256(labels.tobytes()).hexdigest() != self.about["labels_sha256"]:
            yield f"{self.name}: the {self.split} labels have another checksum"


def folder_of_packed(name: str) -> Path:
    """Where a packed data set is or would be."""
    return data_root() / name


def packed(name: str, split: str) -> Packed | None:
    """One split, or None where it is not there.

    Raises:
        InputError: its description cannot be read.
    """
    path = folder_of_packed(name) / f"{split}.json"
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return None
    return _described(name, split, path, stamp)


@lru_cache(maxsize=8)
def _described(name: str, split: str, path: Path, stamp: int) -> Packed:
    del stamp  # of the file: a newer one is read again
    try:
        about = json.loads(path.read_text())
        own = {key: about.pop(key) for key in ("items", "side", "classes", "checksum")}
        return Packed(name, split, **{**own, "classes": tuple(own["classes"])}, about=about)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}): {_remedy(name)} --force") from error


def require_packed(name: str, split: str = "train") -> Packed:
    """One split.

    Raises:
        InputError: it is not there; the message says how to make it.
    """
    found = packed(name, split)
    if found is None:
        missing = f"{name} is" if packed(name, "train") is None else f"the {split} split of {name} is"
        raise InputError(f"{missing} not in the data cache: run `{_remedy(name)}` first")
    return found


def _remedy(name: str) -> str:
    return f"saddlebench data prepare imagenet --source DIR --size {packed_side(name)}"


def usual_facts(name: str, split: str) -> tuple[int, int]:
    """Images and classes of a split: its own, or before it is there ILSVRC 2012's, so that a run can be planned without it."""
    found = packed(name, split)
    return (_USUAL[split], _CLASSES) if found is None else (found.items, len(found.classes))


def block_checksum(rows: np.ndarray) -> str:
    """sha256 of consecutive images' bytes."""
    return hashlib.sha256(np.ascontiguousarray(rows).data).hexdigest()


def joint_checksum(blocks: list[str]) -> str:
    """Of all images, from those of their blocks in order."""
    return hashlib.sha256("".join(blocks).encode()).hexdigest()
