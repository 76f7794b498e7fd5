"""Data sets for the tests of this folder, fetched once a session into the user's cache, and a tiny one."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from saddlebench.errors import InputError
from saddlebench.games.data import ArraySpec, Dataset, Source, fetch


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    return fetch("mnist")


def fetched(name: str) -> Path:
    """Its folder, or a skip with the reason why it cannot be had."""
    try:
        return fetch(name)
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def cifar10_folder() -> Path:
    return fetched("cifar10")


@pytest.fixture(scope="session")
def fashion_folder() -> Path:
    return fetched("fashion-mnist")


@pytest.fixture
def tiny_arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    images = {f"{split}_images": generator.integers(0, 256, (5, 4, 4), dtype=np.uint8) for split in ("train", "test")}
    labels = {f"{split}_labels": generator.integers(0, 10, 5, dtype=np.uint8) for split in ("train", "test")}
    return {**images, **labels}


@pytest.fixture
def tiny(tiny_arrays: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A function of sources that makes ``tiny`` the one known data set and returns its folder in a cache of its own."""

    def install(*sources: Source) -> Path:
        class Tiny(Dataset):
            name = "tiny"
            arrays = {  # noqa: RUF012 (the base class annotates it)
                key: ArraySpec(array.shape, hashlib.md5(array.tobytes(), usedforsecurity=False).hexdigest())
                for key, array in tiny_arrays.items()
            }
            by_hand = ("tiny.idx",)

            def sources(self) -> tuple[Source, ...]:
                return sources

        monkeypatch.setattr("saddlebench.games.data.cache.DATASETS", {"tiny": Tiny})
        monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "cache"))
        return tmp_path / "cache" / "tiny"

    return install
