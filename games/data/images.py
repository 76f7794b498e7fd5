"""Images for a game or a measure: a data set by its name, or a folder of the user's own pictures.

    >>> images, labels = load_images("cifar10", "train", side=32, channels=3)
    >>> images, labels = load_images("~/pictures", "train", side=64, channels=3)

What is asked for as it lies in the cache is opened there. Everything else is made once (`preparing`), kept in the cache under the
hash of what it was made of, ``<root>/prepared/<hash>/``, and memory-mapped from then on.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saddlebench.errors import InputError, unknown
from saddlebench.games.data.cache import DATASETS, Split, available, load
from saddlebench.games.data.files import data_root, open_array, replacing, scratch_directory
from saddlebench.games.data.folder import Listing, list_images
from saddlebench.games.data.packed import packed_side, require_packed
from saddlebench.games.data.preparing import Form, prepare_array, prepare_file


@dataclass(frozen=True)
class ImageSet:
    """Images with what tells them from any others.

    Args:
        name: of the data set, or of the folder.
        split: ``"train"`` or ``"test"``.
        images: uint8 ``(N, side, side)``, or ``(N, side, side, 3)`` in colour; memory-mapped copy-on-write.
        labels: ``(N,)``, uint8, or int64 beyond 256 classes.
        checksum: of the images: equal for equal sources and forms.
    """

    name: str
    split: Split
    images: np.ndarray
    labels: np.ndarray
    checksum: str


def load_images(
    data: str, split: Split = "train", side: int | None = None, channels: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of `image_set`."""
    found = image_set(data, split, side, channels)
    return found.images, found.labels


def image_set(data: str, split: Split = "train", side: int | None = None, channels: int | None = None) -> ImageSet:
    """The images of one split, in the form asked for.

    Args:
        data: a data set's name, or the path of a folder (`folder` says how it is laid out).
        split: ``"train"`` or ``"test"``.
        side: width and height in pixels; a data set's own where none is given, and needed for a folder.
        channels: 1 (grey) or 3 (colour); a data set's own where none is given, and 3 for a folder.

    Raises:
        InputError: neither a data set nor a folder, a split that is not there, an image that cannot be read, no side for a
            folder, or a data set that cannot be fetched.
    """
    if data in DATASETS:
        return _of_dataset(data, split, side, channels)
    if packed_side(data) is not None:
        packed_form(data, side, channels)
        found = require_packed(data, split)
        return ImageSet(data, split, *found.open(), found.checksum)
    listing = list_images(folder_of(data), split)
    return _of_folder(listing, data, split, folder_form(data, side, channels))


def require_images(data: str) -> None:
    """Check, before anything runs, that images are here: a data set in the cache, or a folder.

    Raises:
        InputError: they are not; the message says what to do.
    """
    if packed_side(data) is not None:
        require_packed(data)
    elif data not in DATASETS:
        folder_of(data)
    elif not available(data):
        raise InputError(f"{data} is not in the data cache: run `saddlebench data fetch {data}` first")


def is_named(data: str) -> bool:
    """Is this the name of a data set, whose images have a form of their own, rather than a folder?"""
    return data in DATASETS or packed_side(data) is not None


def packed_form(data: str, side: int | None, channels: int | None) -> Form:
    """The form of a packed data set's images.

    Raises:
        InputError: another one is asked for.
    """
    form = Form(packed_side(data) or 0, 3)
    if side not in (None, form.side) or channels not in (None, form.channels):
        wanted = Form(form.side if side is None else side, form.channels if channels is None else channels)
        other = "" if wanted.side == form.side else f": its images of that side are called imagenet{wanted.side}"
        raise InputError(
            f"{data} has images of {form.side} px in colour, not {wanted.side} px with {wanted.channels} channels{other}"
        )
    return form


def folder_form(data: str, side: int | None, channels: int | None) -> Form:
    """The form of a folder's images: in colour if nothing else is asked for.

    Raises:
        InputError: no side is given.
    """
    if side is None:
        raise InputError(f"the images of {data} have no size of their own: give a side in pixels")
    return Form(side, 3 if channels is None else channels)


def folder_of(data: str) -> Path:
    """The folder at a path that is no data set's name.

    Raises:
        InputError: there is none; names like it are suggested where it can be meant as one.
    """
    path = Path(data).expanduser()
    if path.is_dir():
        return path
    if os.sep in data or data.startswith((".", "~")) or path.exists():
        raise InputError(f"{data} is {'no folder' if path.exists() else 'not there'}: expected a folder of images")
    raise InputError(f"{unknown('data set', data, [*DATASETS, 'imagenet128'])} (and no folder has that name)")


def _of_dataset(name: str, split: Split, side: int | None, channels: int | None) -> ImageSet:
    images, labels = load(name, split)
    own = Form(images.shape[1], 1 if images.ndim == 3 else 3)
    form = Form(own.side if side is None else side, own.channels if channels is None else channels)
    checksum = DATASETS[name]().arrays[f"{split}_images"].md5
    if form == own:
        return ImageSet(name, split, images, labels, checksum)
    key = _key(checksum, form)
    made = _prepared(key, len(images), form, lambda: (prepare_array(np.asarray(image), form) for image in images))
    return ImageSet(name, split, made, labels, key)


def _of_folder(listing: Listing, data: str, split: Split, form: Form) -> ImageSet:
    key = _key(_content_hash(listing), form)
    files = [listing.folder / file for file in listing.files]
    made = _prepared(key, len(files), form, lambda: (prepare_file(file, form) for file in files))
    return ImageSet(data, split, made, listing.labels, key)


def _key(source: str, form: Form) -> str:
    return hashlib.sha256(f"{source} side {form.side} channels {form.channels}".encode()).hexdigest()[:32]


def _content_hash(listing: Listing) -> str:
    """The hash of a folder's bytes, which are read again only when a file's name, size or time of change is another."""
    note = data_root() / "prepared" / "folders" / f"{listing.stamp()[:32]}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(note.read_text())["content"])
    content = listing.content_hash()
    with suppress(OSError):  # a cache that cannot be written to is told of where it matters
        note.parent.mkdir(parents=True, exist_ok=True)
        with replacing(note) as file:
            file.write(json.dumps({"content": content, "folder": str(listing.folder.resolve())}).encode())
    return content


def _prepared(key: str, n: int, form: Form, make: Callable[[], Iterable[np.ndarray]]) -> np.ndarray:
    """The array under a key of the cache, made image by image when it is not there: it need not fit into memory.

    Raises:
        InputError: an image cannot be read, or the cache cannot be written to.
    """
    path = data_root() / "prepared" / f"{key}.npy"
    shape = (n, *form.shape)
    if (found := open_array(path, shape)) is not None:
        return found
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch_directory(path.parent) as scratch:
            array = np.lib.format.open_memmap(scratch / "images.npy", "w+", np.uint8, shape)
            for row, image in enumerate(make()):
                array[row] = image
            array.flush()
            shutil.move(scratch / "images.npy", path)  # a rename: whole or not at all
    except OSError as error:
        raise InputError(f"cannot write to {path.parent} ({error}): set SADDLEBENCH_DATA to a folder with room") from error
    found = open_array(path, shape)
    if found is None:
        raise InputError(f"{path} disappeared while it was being opened")
    return found
