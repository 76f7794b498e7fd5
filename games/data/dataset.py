"""What a data set is: the arrays it consists of, their checksums, and the sources they can come from."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

Arrays = Mapping[str, np.ndarray]


class SourceError(Exception):
    """A source could not give the data; the message is the reason, in a line."""


@dataclass(frozen=True)
class ArraySpec:
    """One array of a data set.

    Args:
        shape: its shape; the dtype is always uint8.
        md5: md5 (hex) of the array's bytes in C order. It is the same whatever container the bytes came in.
    """

    shape: tuple[int, ...]
    md5: str

    def fault(self, array: np.ndarray) -> str | None:
        """Why ``array`` is not the one meant, or None when dtype, shape and checksum are right."""
        if array.dtype != np.uint8 or array.shape != self.shape:
            return f"{array.dtype} of shape {array.shape}, expected uint8 of shape {self.shape}"
        md5 = hashlib.md5(np.ascontiguousarray(array).data, usedforsecurity=False).hexdigest()
        return None if md5 == self.md5 else f"md5 {md5}, expected {self.md5}"


@dataclass(frozen=True)
class Source:
    """One way to obtain the arrays.

    Args:
        name: as it is named in messages.
        obtain: a function of (the data set's folder, an empty scratch folder) that returns the arrays by name, or
            raises `SourceError`; it may leave what it likes in the scratch folder and nothing in the other.
    """

    name: str
    obtain: Callable[[Path, Path], Arrays]


class Dataset(ABC):
    """A labelled image data set; a subclass with a ``name`` in this folder is in `DATASETS`.

    Attributes:
        name: canonical name, also the name of its folder in the cache.
        arrays: the four arrays ``train_images``, ``train_labels``, ``test_images``, ``test_labels``.
        classes: how many kinds of label.
        by_hand: the files to put into the folder when no other source can be reached, for the error message.
    """

    name: ClassVar[str]
    arrays: ClassVar[Mapping[str, ArraySpec]]
    classes: ClassVar[int]
    by_hand: ClassVar[tuple[str, ...]]

    @abstractmethod
    def sources(self) -> tuple[Source, ...]:
        """The sources, in the order in which they are tried."""

    def verify(self, arrays: Arrays) -> None:
        """Check that ``arrays`` are this data set, bit for bit.

        Raises:
            SourceError: an array is missing or is not the one meant; the message names it.
        """
        for name, spec in self.arrays.items():
            fault = spec.fault(arrays[name]) if name in arrays else "missing"
            if fault:
                raise SourceError(f"{name}: {fault}")
