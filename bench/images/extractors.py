"""What a feature extractor is, and how one is run.

A Fréchet distance, a kernel distance, a precision compare two sets of vectors; which vectors is the extractor's
business. Values are comparable between runs with one extractor only, hence its `identity`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor


class Extractor(Protocol):
    """Images to vectors.

    Attributes:
        name: as it stands in the measures' names.
        identity: what fixes the features to the last bits: name, preprocessing, hash of the weights.
        batch: images a call of `features`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see above
    @property
    def identity(self) -> str: ...  # noqa: D102 - see above
    @property
    def batch(self) -> int: ...  # noqa: D102 - see above

    def features(self, images: Tensor) -> Tensor:
        """Vectors ``(N, d)`` of uint8 images ``(N, C, H, W)``."""
        ...


@torch.no_grad()
def extract(extractor: Extractor, images: Tensor) -> Tensor:
    """Features ``(N, d)``, float32 on the CPU, of any number of uint8 images ``(N, C, H, W)``, in full float32 on any device."""
    # TF32 convolutions, a GPU's default, move features by 1e-3; so would a surrounding autocast.
    with (
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        torch.autocast(images.device.type, enabled=False),
        one_thread(),
    ):
        return torch.cat([extractor.features(part).float().cpu() for part in images.split(extractor.batch)])


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread of the CPU: sums in another order give other bits, and on busy cores threads wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
