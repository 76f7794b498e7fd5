"""Real CIFAR-10 pictures in the forms in which ImageNet lies on disks."""

import io
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from saddlebench.games.data import load, require_images

CLASSES = tuple(f"n{10_000_000 + 17 * k:08d}" for k in range(10))


@lru_cache
def _cifar10(split: str) -> tuple[np.ndarray, np.ndarray]:
    return load("cifar10", split)


def open_pictures() -> None:
    """Open CIFAR-10 in the user's data cache, before a test has a cache of its own.

    Raises:
        InputError: it is not there.
    """
    require_images("cifar10")
    for split in ("train", "test"):
        _cifar10(split)


def pictures(split: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = _cifar10(split)
    return np.asarray(images[:count]), np.asarray(labels[:count]).astype(int)


def encoded(image: np.ndarray, mode: str = "RGB", form: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).convert(mode).save(file, form, **options)
    return file.getvalue()


def as_folder(home: Path, train: int, test: int, flat: bool = False) -> Path:
    """``home/train/WNID/*.JPEG`` and ``home/val``; picture 5 is grey, 6 is CMYK, 7 a PNG by another name."""
    for split, count in (("train", train), ("test", test)):
        images, labels = pictures(split, count)
        for k, (image, label) in enumerate(zip(images, labels, strict=True)):
            mode, form = {5: ("L", "JPEG"), 6: ("CMYK", "JPEG"), 7: ("RGB", "PNG")}.get(k, ("RGB", "JPEG"))
            name = f"{CLASSES[label]}_{k}.JPEG" if split == "train" else f"ILSVRC2012_val_{k + 1:08d}.JPEG"
            place = home / ("train" if split == "train" else "val")
            place = place if flat and split == "test" else place / CLASSES[label]
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(encoded(image, mode, form))
    return home


def as_parquet(home: Path, train: int, test: int, group: int = 7, files: int = 2) -> Path:
    """``home/data/train-00000-of-00002.parquet`` … in small row groups, with the names of the classes in the schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (home / "data").mkdir(parents=True)
    names = {"huggingface": json.dumps({"info": {"features": {"label": {"names": list(CLASSES)}}}})}
    for split, count in (("train", train), ("test", test)):
        images, labels = pictures(split, count)
        for part, rows in enumerate(np.array_split(np.arange(count), files)):
            column = [{"bytes": encoded(images[k]), "path": f"{k}.JPEG"} for k in rows]
            table = pa.table({"image": column, "label": labels[rows]}).replace_schema_metadata(names)
            stem = "train" if split == "train" else "validation"
            pq.write_table(table, home / "data" / f"{stem}-{part:05d}-of-{files:05d}.parquet", row_group_size=group)
    return home
