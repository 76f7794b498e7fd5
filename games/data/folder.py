"""A folder of the user's own images: which files are its training or test images, their classes, and its content's hash.

    FOLDER/*.png                    one class
    FOLDER/CLASS/**/*.png           a class a subfolder, in alphabetical order
    FOLDER/train/…  FOLDER/test/…   the same twice; without these two, all images are training images

Hidden files and files that are no images by their ending are passed over.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saddlebench.errors import InputError

ENDINGS = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_SPLITS = {"train": ("train", "training"), "test": ("test", "testing", "val", "valid", "validation")}
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Listing:
    """The images of one split of a folder.

    Args:
        folder: that the files are relative to.
        files: in the order of the images.
        classes: names, in the order of the labels; one empty name where there are no subfolders.
        labels: a class a file, uint8, or int64 beyond 256 classes.
    """

    folder: Path
    files: tuple[Path, ...]
    classes: tuple[str, ...]
    labels: np.ndarray

    def stamp(self) -> str:
        """A hash of names, sizes and times of change: milliseconds, and another one whenever a file was touched."""
        digest = hashlib.sha256(str(self.folder.resolve()).encode())
        for file in self.files:
            status = (self.folder / file).stat()
            digest.update(f"{file.as_posix()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def content_hash(self) -> str:
        """A hash of names and bytes: the same for the same images wherever they lie."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.as_posix()}\0{(self.folder / file).stat().st_size}\0".encode())
            with (self.folder / file).open("rb") as opened:
                while chunk := opened.read(_CHUNK):
                    digest.update(chunk)
        return digest.hexdigest()


def list_images(folder: Path, split: str) -> Listing:
    """The images of one split.

    Args:
        folder: as in the module's drawing.
        split: ``"train"`` or ``"test"``.

    Raises:
        InputError: no such folder, no such split, no images, or images both beside and inside subfolders.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is {'no folder' if folder.exists() else 'not there'}: expected a folder of images")
    home = _split_folder(folder, split)
    files = sorted(_images(home), key=lambda path: path.as_posix())
    if not files:
        raise InputError(f"no images in {home}: expected files that end in {', '.join(sorted(ENDINGS))}")
    parents = [file.parts[0] if len(file.parts) > 1 else "" for file in files]
    classes = tuple(sorted(set(parents)))
    if "" in classes and len(classes) > 1:
        raise InputError(f"{home} has images both in itself and in subfolders ({classes[1]}/ …): expected one or the other")
    labels = np.searchsorted(np.array(classes), np.array(parents))
    return Listing(home, tuple(files), classes, labels.astype(np.uint8 if len(classes) <= 256 else np.int64))


def _split_folder(folder: Path, split: str) -> Path:
    found = {key: next((folder / name for name in names if (folder / name).is_dir()), None) for key, names in _SPLITS.items()}
    if split not in found:
        raise InputError(f"unknown split {split!r} of {folder}: known are train, test")
    if found["train"] is None:  # a folder with only a class called "test" is no split either
        if split == "train":
            return folder
        raise InputError(f"{folder} has no test split: put its images into the subfolders train/ and test/")
    chosen = found[split]
    if chosen is None:
        raise InputError(f"{folder} has train/ but no test/ folder of images")
    return chosen


def _images(home: Path) -> Iterator[Path]:
    """Image files below ``home``, relative to it; links to folders are followed once, hidden names passed over."""
    for where, folders, names in os.walk(home):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS:
                yield (Path(where) / name).relative_to(home)
