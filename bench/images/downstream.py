"""What generated images are worth to a classifier: accuracy on real test images of one that was trained on samples alone.

(Ravuri and Vinyals 2019, there with a ResNet.) The classifier is ridge regression of one-hot labels on an extractor's features,
with a bias: W = (XᵀX + λI)⁻¹XᵀY on centred features, λ = Tr XᵀX / 1000. It is exact, has no seed, and costs a second.

Samples of a conditional game carry their classes. Those of another are labelled by the same classifier trained on real images;
their accuracy is then bounded by its, and says how much of the classes' variety the samples span.
"""

import torch
from torch import Tensor

from saddlebench.bench.images.halves import Halves
from saddlebench.bench.images.lite0 import lite0
from saddlebench.bench.images.reference import real_features
from saddlebench.errors import InputError
from saddlebench.games.data import ImageSet

NAME = "downstream_accuracy"
_RIDGE = 1e-3
_TESTED = 2000  # test images


class Downstream:
    """The measure of sets of generated images.

    Args:
        extractor: whose features the classifier sees.
        real: features ``(n, d)`` and labels ``(n,)`` of real training images.
        test: features and labels of real test images.
        held_out: features of other real images, as many as there are generated ones: they give the floor.
        in_turn: generated image i is of class i modulo the number of classes; else it is labelled by the classifier.

    Raises:
        InputError: the images have one class only.
    """

    names = (NAME,)

    def __init__(
        self, extractor: str, real: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], held_out: Tensor, in_turn: bool = False
    ) -> None:
        self._extractor = extractor
        self._classes = int(real[1].max()) + 1
        if self._classes < 2:
            raise InputError("the downstream accuracy needs images of two classes or more")
        self._test, self._held_out, self._in_turn = test, held_out, in_turn
        self._teacher = Ridge(*real, self._classes)

    def __call__(self, images: Tensor, features: dict[str, Tensor]) -> dict[str, float]:
        """The accuracy after training on generated images with these features."""
        del images
        fake = features[self._extractor]
        labels = torch.arange(len(fake)) % self._classes if self._in_turn else self._teacher.classify(fake)
        return {NAME: accuracy(fake, labels, *self._test, self._classes)}

    def floor(self) -> dict[str, float]:
        """That of held-out real images, labelled by the classifier."""
        return {NAME: accuracy(self._held_out, self._teacher.classify(self._held_out), *self._test, self._classes)}


def downstream(images: ImageSet, test: ImageSet, halves: Halves, in_turn: bool) -> Downstream:
    """The measure by lite0 features: trained on the reference images for the labels, tested on up to 2,000 test images.

    Raises:
        InputError: the images have one class only, or none are left for the floor.
    """
    if not len(halves.draws):
        raise InputError("the downstream accuracy needs real images besides the reference: lower n_real")
    extractor = lite0()

    def pair(source: ImageSet, rows: Tensor) -> tuple[Tensor, Tensor]:
        return real_features(extractor, source, rows), torch.from_numpy(source.labels[rows.numpy()]).long()

    real = pair(images, halves.real)
    held_out, _ = pair(images, halves.draws[0])
    tested = Halves(len(test.images), 2, min(_TESTED, len(test.images) - 2)).real
    return Downstream(extractor.name, real, pair(test, tested), held_out, in_turn)


class Ridge:
    """The classifier, fitted to features ``(n, d)`` and labels ``(n,)``."""

    def __init__(self, features: Tensor, labels: Tensor, classes: int) -> None:
        x, y = features.double(), torch.nn.functional.one_hot(labels.long(), classes).double()
        self._mean, self._bias = x.mean(0), y.mean(0)
        x = x - self._mean
        gram = x.mT @ x
        damping = _RIDGE * gram.trace().clamp(min=torch.finfo(gram.dtype).tiny)
        self._weights = torch.linalg.solve(gram + damping * torch.eye(len(gram), dtype=gram.dtype), x.mT @ (y - self._bias))

    def classify(self, features: Tensor) -> Tensor:
        """The class of each vector, int64."""
        return ((features.double() - self._mean) @ self._weights + self._bias).argmax(-1)


def accuracy(features: Tensor, labels: Tensor, test_features: Tensor, test_labels: Tensor, classes: int) -> float:
    """The share of test images that a classifier of ``features`` and ``labels`` gets right."""
    return (Ridge(features, labels, classes).classify(test_features) == test_labels).double().mean().item()
