"""Does a generator repeat its training images? Distances in pixels from samples to the nearest training image.

==========================  ======================================================================================================
``nearest_ratio``           median distance of the samples, over that of real images to the nearest *other* real one; 1: as new as
                            a real image, towards 0: copies
``copied_fraction``         share of samples nearer than all but 1 % of real images are; .01 for real ones
==========================  ======================================================================================================

Distances in pixels see exact copies and little else: a copy shifted by a pixel is far, and a blurred or flat picture is near to
many. Read them beside a distance of features. Cost: a sample and a training image 2 operations a pixel, half a minute on a core for
2,000 samples and CIFAR-10's 50,000 images.
"""

import torch
from torch import Tensor

from saddlebench.bench.images.neighbours import nearest
from saddlebench.bench.images.pixels import channels_first
from saddlebench.games.data import ImageSet

NAMES = ("nearest_ratio", "copied_fraction")
_QUANTILE = 0.01


class Memorisation:
    """Both measures against the training images of a set.

    Args:
        training: the images that the generator was trained on.
        rows: which of them stand for real images, each compared with the others.
    """

    names = NAMES

    def __init__(self, training: ImageSet, rows: Tensor) -> None:
        self._training = channels_first(torch.from_numpy(training.images)).flatten(1)
        self._real, _ = nearest(self._training[rows], self._training, own=rows)

    def __call__(self, images: Tensor, features: dict[str, Tensor]) -> dict[str, float]:
        """The measures of uint8 images ``(n, C, H, W)`` of the training images' shape."""
        del features
        distances, _ = nearest(images.cpu().flatten(1), self._training)
        return ratios(distances, self._real)

    def floor(self) -> dict[str, float]:
        """Those of the real images."""
        return ratios(self._real, self._real)


def ratios(samples: Tensor, real: Tensor) -> dict[str, float]:
    """Both measures from nearest distances ``(m,)`` and ``(n,)``."""
    limit = real.quantile(_QUANTILE)
    return {
        "nearest_ratio": (samples.median() / real.median()).item(),
        "copied_fraction": (samples < limit).double().mean().item(),
    }
