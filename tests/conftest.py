"""Settings of every test, and data sets, fetched once a session into the user's cache."""

import pytest
import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.data import fetch, load

# Tests run beside each other and on small machines: more threads than cores stall at every parallel region.
torch.set_num_threads(1)

Splits = dict[str, tuple[Tensor, Tensor]]


def splits(name: str) -> Splits:
    """Split → uint8 images and labels ``(N,)``, or a skip with the reason why the data set cannot be had."""
    try:
        fetch(name)
    except InputError as error:
        pytest.skip(str(error))
    found: Splits = {}
    for split in ("train", "test"):
        images, labels = load(name, split)
        found[split] = torch.from_numpy(images), torch.from_numpy(labels)
    return found


@pytest.fixture(scope="session")
def mnist() -> Splits:
    """Images ``(N, 28, 28)``."""
    return splits("mnist")


@pytest.fixture(scope="session")
def fashion() -> Splits:
    """Images ``(N, 28, 28)``."""
    return splits("fashion-mnist")


@pytest.fixture(scope="session")
def cifar10() -> Splits:
    """Images ``(N, 32, 32, 3)``."""
    return splits("cifar10")
