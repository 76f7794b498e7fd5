"""Image measures by the name that a game gives; imported when a game asks for them."""

from functools import lru_cache
from typing import Protocol

from torch import Tensor

from saddlebench.errors import unknown


class ImageMetrics(Protocol):
    """Measures of sets of images against one reference."""

    n_fake: int
    extractor: str

    def references(self) -> dict[str, float]:
        """What must stand beside the values: floors, controls and counts, by name."""
        ...

    def evaluate(self, images: Tensor) -> dict[str, Tensor]:
        """The measures of one set a run: name → ``(runs,)``."""
        ...


@lru_cache(maxsize=4)
def image_metrics(name: str) -> ImageMetrics | None:
    """The measures called ``name``; None for the empty name.

    Raises:
        InputError: an unknown name, or data that cannot be fetched.
    """
    if not name:
        return None
    if name == "mnist":
        from saddlebench.bench.images.mnist_metrics import MnistMetrics  # here: it loads a network and the digits

        return MnistMetrics()
    raise unknown("image measure", name, ["mnist"])
