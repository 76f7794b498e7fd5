"""ImageNet as it lies on disks: which pictures a split has, their classes, and how their bytes are read.

    DIR/train/n01440764/*.JPEG        the folder that every training script expects; DIR may also be the one around Kaggle's
    DIR/val/n01440764/*.JPEG          ILSVRC/Data/CLS-LOC
    DIR/val/*.JPEG                    the same without folders; classes are then looked up in one of
                                      LOC_val_solution.csv (Kaggle), val.txt (file and number, Caffe's) or the development kit
                                      (ILSVRC2012_validation_ground_truth.txt and meta.mat), in DIR or a folder of it
    DIR/data/train-00000-of-00294.parquet, validation-….parquet    a snapshot of Hugging Face's imagenet-1k, or DIR alone

Classes are numbered in the alphabetical order of their WordNet names, as everywhere; a parquet snapshot brings its numbers.
"""

import csv
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from saddlebench.errors import InputError
from saddlebench.games.data.folder import ENDINGS

_AROUND = ("", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "CLS-LOC")
_FOLDERS = {"train": ("train",), "test": ("val", "validation", "valid")}
_PARQUET = {"train": ("train",), "test": ("validation", "val", "valid")}
_KIT_LABELS, _KIT_NAMES = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"


class Block(Protocol):
    """Consecutive pictures of a split; small, so that it can be sent to another process."""

    def encoded(self) -> Iterator[tuple[str, bytes]]:
        """Name and file content of each."""
        ...


@dataclass(frozen=True)
class Pictures:
    """One split of a source.

    Args:
        classes: names, in the order of the labels.
        labels: int64 ``(N,)``.
        identity: a hash of what there is: names and sizes.
        blocks: a function of a range of pictures.
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    identity: str
    blocks: "_Folder | _Parquet"

    def block(self, first: int, last: int) -> Block:
        """Pictures ``first`` to before ``last``."""
        return self.blocks.block(first, last)


def find_pictures(source: Path, split: str) -> Pictures | None:
    """The pictures of one split, or None where the source has no such split.

    Args:
        source: the folder, in one of the forms of the module's text.
        split: ``"train"`` or ``"test"`` (ImageNet's validation images: the test images have no public labels).

    Raises:
        InputError: no such folder, none of the forms, pictures whose class cannot be found out.
    """
    if not source.is_dir():
        raise InputError(f"{source} is {'no folder' if source.exists() else 'not there'}: expected ImageNet's folder")
    found = _of_folder(source, split) or _of_parquet(source, split)
    if found is None and split == "train":
        raise InputError(f"{source} has neither train/WNID/*.JPEG nor train-*.parquet: expected ImageNet's folder or a snapshot")
    return found


# Folders.


@dataclass(frozen=True)
class _Folder:
    home: Path
    files: Sequence[str]

    def block(self, first: int, last: int) -> Block:
        return _Files(self.home, tuple(self.files[first:last]))


@dataclass(frozen=True)
class _Files:
    home: Path
    files: tuple[str, ...]

    def encoded(self) -> Iterator[tuple[str, bytes]]:
        for name in self.files:
            yield name, (self.home / name).read_bytes()


def _of_folder(source: Path, split: str) -> Pictures | None:
    homes = [source / around / name for around in _AROUND for name in _FOLDERS[split]]
    home = next((h for h in homes if h.is_dir()), None)
    if home is None:
        return None
    classes = _classes(source)
    listed = [(name, size) for folder in ("", *classes) for name, size in _listed(home, folder)]
    if not listed:
        raise InputError(f"no images in {home}: expected {classes[0] if classes else 'WNID'}/*.JPEG")
    if stray := sorted({d.name for d in os.scandir(home) if d.is_dir() and not d.name.startswith(".")} - set(classes)):
        raise InputError(f"{home} has the class {stray[0]}, which is not in {source}'s train folder")
    names = [name for name, _ in listed]
    digest = hashlib.sha256("".join(f"{name}\0{size}\n" for name, size in listed).encode()).hexdigest()
    loose = [name for name in names if "/" not in name]
    told = _told(source, home, classes) if loose else {}
    number = {c: k for k, c in enumerate(classes)}
    if unknown := [name for name in loose if Path(name).stem not in told]:
        raise InputError(
            f"the class of {home / unknown[0]} is not known: put the images into a folder a class, or LOC_val_solution.csv, "
            f"val.txt or the development kit ({_KIT_LABELS}, {_KIT_NAMES}) into {source}"
        )
    labels = [number[name.partition("/")[0]] if "/" in name else told[Path(name).stem] for name in names]
    return Pictures(classes, np.array(labels, np.int64), digest, _Folder(home, names))


def _classes(source: Path) -> tuple[str, ...]:
    home = next(h for around in _AROUND for n in (*_FOLDERS["train"], *_FOLDERS["test"]) if (h := source / around / n).is_dir())
    return tuple(sorted(entry.name for entry in os.scandir(home) if entry.is_dir() and not entry.name.startswith(".")))


def _listed(home: Path, folder: str) -> list[tuple[str, int]]:
    """Names, relative to ``home``, and sizes of a folder's own pictures, in order."""
    place = home / folder
    if not place.is_dir():
        return []
    with os.scandir(place) as entries:
        found = [(f"{folder}/{e.name}" if folder else e.name, e.stat().st_size) for e in entries if _is_picture(e)]
    return sorted(found)


def _is_picture(entry: "os.DirEntry[str]") -> bool:
    return not entry.name.startswith(".") and Path(entry.name).suffix.lower() in ENDINGS and entry.is_file()


def _told(source: Path, home: Path, classes: tuple[str, ...]) -> dict[str, int]:
    """File stem → class, from the lists that come with flat validation folders."""
    number = {c: k for k, c in enumerate(classes)}
    places = list(dict.fromkeys([source, home.parent, home, *source.glob("*/"), *source.glob("*/*/")]))

    def file(name: str) -> Path | None:
        return next((p / name for p in places if (p / name).is_file()), None)

    if table := file("LOC_val_solution.csv"):
        with table.open(newline="") as opened:
            rows = [(row["ImageId"], row["PredictionString"].split()[0]) for row in csv.DictReader(opened)]
        return {stem: number[wnid] for stem, wnid in rows if wnid in number}
    if table := file("val.txt"):
        pairs = [line.split() for line in table.read_text().splitlines() if line.strip()]
        return {Path(p[0]).stem: number[p[1]] if p[1] in number else int(p[1]) for p in pairs}
    truth, names = file(_KIT_LABELS), file(_KIT_NAMES)
    if truth and names:
        wnids = _kit_names(names)
        return {
            f"ILSVRC2012_val_{k:08d}": number[wnids[int(line)]]
            for k, line in enumerate(truth.read_text().split(), 1)
            if wnids[int(line)] in number
        }
    return {}


def _kit_names(path: Path) -> dict[int, str]:
    """ILSVRC2012_ID → WordNet name of the classes without children, from the development kit's MATLAB file."""
    from scipy.io import loadmat

    rows = loadmat(path, squeeze_me=True)["synsets"]
    return {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in rows if int(row["num_children"]) == 0}


# Parquet snapshots.


@dataclass(frozen=True)
class _Parquet:
    """Row groups, each with the number of its first picture."""

    groups: tuple[tuple[Path, int], ...]
    starts: np.ndarray = field(repr=False)

    def block(self, first: int, last: int) -> Block:
        a, b = np.searchsorted(self.starts, [first, last - 1], side="right") - 1
        return _Rows(self.groups[a : b + 1], first - int(self.starts[a]), last - first)


@dataclass(frozen=True)
class _Rows:
    groups: tuple[tuple[Path, int], ...]
    skipped: int
    count: int

    def encoded(self) -> Iterator[tuple[str, bytes]]:
        skipped, left = self.skipped, self.count
        for path, group in self.groups:
            column = _images_of(path, group)
            for row in range(skipped, min(len(column), skipped + left)):
                image = column[row].as_py()
                yield image.get("path") or f"{path.name}[{group}:{row}]", image["bytes"] or b""
            left -= min(len(column) - skipped, left)
            skipped = 0


@lru_cache(maxsize=2)  # a block ends within a group and the next begins there
def _images_of(path: Path, group: int) -> Any:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read_row_group(group, ["image"]).column("image")


def _of_parquet(source: Path, split: str) -> Pictures | None:
    import pyarrow.parquet as pq

    names = [f"{name}-*.parquet" for name in _PARQUET[split]]
    paths = next((p for place in (source / "data", source) for n in names if (p := sorted(place.glob(n)))), None)
    if paths is None:
        return None
    groups: list[tuple[Path, int]] = []
    sizes: list[int] = []
    labels: list[np.ndarray] = []
    classes: tuple[str, ...] = ()
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                if missing := {"image", "label"} - set(file.schema_arrow.names):
                    raise InputError(f"{path} has no column {sorted(missing)[0]}: expected image (bytes, path) and label")
                groups += [(path, k) for k in range(file.num_row_groups)]
                sizes += [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
                labels.append(file.read(["label"]).column("label").to_numpy().astype(np.int64))
                classes = classes or _names_in(file.schema_arrow.metadata)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
    together = np.concatenate(labels)
    if len(together) == 0 or together.min() < 0:
        raise InputError(f"{paths[0]}: the {split} split has no labels")
    classes = classes or tuple(str(k) for k in range(int(together.max()) + 1))
    told = "".join(f"{path.name}\0{path.stat().st_size}\n" for path in paths).encode()
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return Pictures(classes, together, hashlib.sha256(told).hexdigest(), _Parquet(tuple(groups), starts))


def _names_in(metadata: dict[bytes, bytes] | None) -> tuple[str, ...]:
    """The class names that Hugging Face writes into a file's schema."""
    try:
        return tuple(json.loads((metadata or {})[b"huggingface"])["info"]["features"]["label"]["names"])
    except (KeyError, TypeError, ValueError):
        return ()
