"""Data sets of the image games: a registry, and one verified cache on disk however the files were obtained.

    >>> from saddlebench.games.data import fetch, load
    >>> fetch("mnist")  # once; needs the network, or files put in place by hand
    >>> images, labels = load("mnist", "train")  # uint8 (60000, 28, 28) and (60000,), memory-mapped

`load_images` takes a folder of the user's own pictures in the place of a name, and any size. ImageNet, which nobody may hand on, is
prepared from a copy of the user's (`packing`) and then called by its side: ``imagenet128``.

A file of this folder with a subclass of `Dataset` that has a ``name`` adds a data set; nothing else changes. The
cache is ``$SADDLEBENCH_DATA``, or else the user's cache directory.
"""

from saddlebench.games.data.cache import DATASETS, available, fetch, load, status
from saddlebench.games.data.dataset import ArraySpec, Dataset, Source, SourceError
from saddlebench.games.data.facts import ImageFacts, image_facts
from saddlebench.games.data.files import data_root
from saddlebench.games.data.images import ImageSet, image_set, is_named, load_images, require_images

__all__ = [
    "DATASETS",
    "ArraySpec",
    "Dataset",
    "ImageFacts",
    "ImageSet",
    "Source",
    "SourceError",
    "available",
    "data_root",
    "fetch",
    "image_facts",
    "image_set",
    "is_named",
    "load",
    "load_images",
    "require_images",
    "status",
]
