"""MNIST for the tests of this folder, fetched once a session into the user's cache."""

import pytest
import torch
from torch import Tensor

from saddlebench.games.data import fetch, load


@pytest.fixture(scope="session")
def mnist() -> dict[str, tuple[Tensor, Tensor]]:
    """Split → uint8 images ``(N, 28, 28)`` and labels ``(N,)``."""
    fetch("mnist")
    splits = {}
    for split in ("train", "test"):
        images, labels = load("mnist", split)
        splits[split] = torch.from_numpy(images), torch.from_numpy(labels)
    return splits
