"""IDX files, the format that MNIST and its likes are published in.

A file is two zero bytes, a type byte (8: uint8, the only one these data sets use), the number n of dimensions, n
big-endian uint32 sizes, and the bytes of the array in C order. Source: the description on MNIST's home page.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from saddlebench.games.data.dataset import Arrays, SourceError


def parse_idx(content: bytes) -> np.ndarray:
    """The uint8 array in the bytes of an IDX file.

    Raises:
        SourceError: the header is not that of a uint8 IDX file, or the length does not match it.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise SourceError("not an IDX file of bytes")
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist()) if len(content) >= start else ()
    if len(shape) != content[3] or len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise SourceError(f"{len(content)} bytes do not match the header's shape {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def find_idx(folder: Path, name: str) -> Path | None:
    """The file ``name`` in ``folder``, plain or gzipped, with either spelling of its name (``-idx3`` or ``.idx3``)."""
    spellings = (name, name.replace("-idx", ".idx"))
    paths = (folder / (spelling + end) for spelling in spellings for end in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def idx_decoder(files: Mapping[str, str]) -> Callable[[Path], Arrays]:
    """A function that reads a folder of IDX files.

    Args:
        files: array name → file name without ``.gz``.

    Returns:
        A function of a folder that returns the arrays by name, and raises `SourceError` when a file is missing or torn.
    """

    def decode(folder: Path) -> Arrays:
        found = {array: find_idx(folder, name) for array, name in files.items()}
        missing = [files[array] for array, path in found.items() if path is None]
        if missing:
            raise SourceError(f"no {', '.join(missing)} in {folder}")
        return {array: _read(path) for array, path in found.items() if path is not None}

    return decode


def _read(path: Path) -> np.ndarray:
    try:
        content = path.read_bytes()
        return parse_idx(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError, zlib.error, SourceError) as error:
        raise SourceError(f"{path.name}: {error}") from error
