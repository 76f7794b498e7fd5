"""How good generated digits, or pictures of clothing, are: Fréchet distance, modes and classifier score by the data set's LeNet.

====================  ==========================================================================  ==================
measure               meaning                                                                     better
====================  ==========================================================================  ==================
``fd_lenet``          Fréchet distance of 64 LeNet features to real digits; not an FID            lower, to the floor
``digits_present``    classes that at least 1 % of the images are assigned to, of 10              higher
``class_entropy``     entropy of the histogram of assigned classes, in nats; ln 10 = 2.303 even   higher
``classifier_score``  exp E KL(p(y|x) ‖ p(y)) of the classifier, in [1, 10]; not an IS            higher
====================  ==========================================================================  ==================

The last three judge any image as some digit, noise too: read them beside the distance. Fashion-MNIST's network is another, so its
first two measures have other names: ``fd_lenet_fashion`` and ``classes_present``.

A Fréchet distance depends on how many images it was computed from (E d²(N) ≈ d²(∞) + c/N) and on the real set. So a
split of the data set is cut into two halves by a fixed permutation: one gives the reference moments; from the other
come the `floor` (as many real images as there are generated ones, judged as if generated: what a perfect generator
gets) and a `control`. A set of another size is refused, not compared.

The extractor was trained on the training split, so even real images of the test split are some 6 away from it.
"""

import hashlib
import math
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import Literal
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.images.frechet import Moments, frechet_distance
from saddlebench.errors import InputError
from saddlebench.games.data import DATASETS, data_root, fetch, load
from saddlebench.games.data.files import replacing
from saddlebench.games.networks.lenet import CLASSES, FEATURES, LENETS, LeNet, as_pixels, extract, load_extractor

MEASURES = {
    "mnist": ("fd_lenet", "digits_present", "class_entropy", "classifier_score"),
    "fashion-mnist": ("fd_lenet_fashion", "classes_present", "class_entropy", "classifier_score"),
}
Reference = Literal["train", "test"]

_HALVES_SEED = 20240502
_CONTROL_SEED = 20240503
_FLOOR_DRAWS = 10  # disjoint sets of real images at most; fewer when the half does not hold so many
_PRESENT = 0.01


class LeNetMetrics:
    """The measures of sets of ``n_fake`` images against one reference.

    Args:
        n_fake: images in every set that is judged, from 2 to half of the split.
        reference: the split that real images come from; ``"train"`` gives 30,000 reference images, ``"test"`` 5,000.
        data: ``"mnist"`` or ``"fashion-mnist"``.

    Attributes:
        names: of the measures.
        extractor: sha256 of the extractor's weights, and the reference.
        n_real: images behind the reference moments.

    Raises:
        InputError: ``n_fake`` is out of range, the split is unknown, or the data set cannot be fetched.
    """

    def __init__(self, n_fake: int = 5000, reference: Reference = "train", data: str = "mnist") -> None:
        self.n_fake = n_fake
        self.reference: Reference = reference
        self.data = data
        self.names = MEASURES[data]
        self.extractor = f"lenet-{data} sha256:{LENETS[data].sha256}; reference {data} {reference}"
        self._real, self._held_out = _halves(data, reference)
        self.n_real = len(self._real)
        if not 2 <= n_fake <= len(self._held_out):
            raise InputError(
                f"n_fake is {n_fake}: from 2 to {len(self._held_out)} images can be compared with real ones of {data}'s "
                f"{reference} split"
            )
        self._moments = Moments.from_features(real_outputs(reference, data)[0][self._real])
        self._networks: dict[torch.device, LeNet] = {}

    @property
    def provenance(self) -> dict[str, str | int]:
        """What must stand beside every value: extractor, counts and reference."""
        return {
            "extractor": self.extractor,
            "n_real": self.n_real,
            "n_fake": self.n_fake,
            "reference": f"{self.data}-{self.reference}-half",
        }

    def __call__(self, images: Tensor) -> dict[str, float]:
        """The measures of one set.

        Args:
            images: ``(n_fake, 784)``, ``(n_fake, 28, 28)`` or ``(n_fake, 1, 28, 28)``; float in [−1, 1] or uint8.

        Raises:
            ValueError: another number of images, shape or dtype.
        """
        return {name: value.item() for name, value in self.evaluate(images.unsqueeze(0)).items()}

    def evaluate(self, images: Tensor) -> dict[str, Tensor]:
        """The measures of one set a run.

        Args:
            images: ``(runs, n_fake, 784)`` (or the image shapes of `__call__` behind the run axis), on any device.

        Returns:
            Measure name → float64 ``(runs,)`` on the CPU; NaN for a run with a pixel that is not finite.

        Raises:
            ValueError: another number of images, shape or dtype.
        """
        runs, n = images.shape[:2]
        if n != self.n_fake:
            raise ValueError(f"{n} images, expected n_fake = {self.n_fake}: a Fréchet distance depends on it")
        network = self._networks.get(images.device)
        if network is None:
            network = self._networks[images.device] = load_extractor(self.data).to(images.device)
        features, logits = extract(network, images.flatten(0, 1))
        return self._judge(features.cpu().view(runs, n, FEATURES), logits.cpu().view(runs, n, CLASSES))

    @cached_property
    def floor(self) -> dict[str, float]:
        """The measures of real images at the same count: the mean over disjoint draws of held-out ones."""
        return {name: values.mean().item() for name, values in self._floor_draws.items()}

    @cached_property
    def floor_std(self) -> dict[str, float]:
        """The standard deviation between the draws of `floor`; NaN when the held-out half gives only one."""
        draws = self._floor_draws
        return {name: values.std().item() if len(values) > 1 else math.nan for name, values in draws.items()}

    @cached_property
    def control(self) -> dict[str, dict[str, float]]:
        """The measures of three sets that are not digits, or not clean ones; a measure must rank them.

        ``uniform-noise``: pixels uniform in [−1, 1]; ``gaussian-noise``: pixels with the mean and variance of real images';
        ``noisy-real``: held-out digits plus noise of standard deviation 0.5 (a quarter of the grey scale).
        """
        generator = torch.Generator().manual_seed(_CONTROL_SEED)
        shape = (self.n_fake, 1, 28, 28)
        images = torch.from_numpy(load(self.data, self.reference)[0][self._held_out[: self.n_fake].numpy()])
        digits = as_pixels(images)
        noise = torch.randn(shape, generator=generator)
        sets = {
            "uniform-noise": 2 * torch.rand(shape, generator=generator) - 1,
            "gaussian-noise": digits.mean() + digits.std() * noise,
            "noisy-real": digits + 0.5 * noise,
        }
        return {name: self(images) for name, images in sets.items()}

    def references(self) -> dict[str, float]:
        """Floor, noise control and counts, as they stand beside every value in the tables."""
        distance = self.names[0]
        return {
            f"{distance}_floor": self.floor[distance],
            f"{distance}_uniform_noise": self.control["uniform-noise"][distance],
            f"{distance}_n_real": float(self.n_real),
            f"{distance}_n_fake": float(self.n_fake),
        }

    @cached_property
    def _floor_draws(self) -> dict[str, Tensor]:
        draws = min(_FLOOR_DRAWS, len(self._held_out) // self.n_fake)
        rows = self._held_out[: draws * self.n_fake].view(draws, self.n_fake)
        features, logits = real_outputs(self.reference, self.data)
        return self._judge(features[rows], logits[rows])

    def _judge(self, features: Tensor, logits: Tensor) -> dict[str, Tensor]:
        """The measures ``(runs,)`` from features ``(runs, n, 64)`` and logits ``(runs, n, 10)``."""
        finite = (features.isfinite().all(-1) & logits.isfinite().all(-1)).all(-1)
        distance, present = self.names[:2]
        values = {distance: frechet_distance(Moments.from_features(features), self._moments), **class_measures(logits)}
        values[present] = values.pop("classes_present")
        return {name: torch.where(finite, values[name], torch.nan) for name in self.names}


def class_measures(logits: Tensor) -> dict[str, Tensor]:
    """``classes_present``, ``class_entropy``, ``classifier_score``: float64 ``(…)`` of logits ``(…, n, classes)``."""
    n, classes = logits.shape[-2:]
    assigned = logits.argmax(-1, keepdim=True) == torch.arange(classes, device=logits.device)
    shares = assigned.sum(-2).double() / n
    log_p = logits.double().log_softmax(-1)
    log_marginal = log_p.logsumexp(-2, keepdim=True) - math.log(n)
    divergence = (log_p.exp() * (log_p - log_marginal)).sum(-1)
    return {
        "classes_present": (shares >= _PRESENT).sum(-1).double(),
        "class_entropy": -torch.xlogy(shares, shares).sum(-1),
        "classifier_score": divergence.mean(-1).exp(),
    }


@lru_cache(maxsize=4)
def real_outputs(reference: Reference, data: str = "mnist") -> tuple[Tensor, Tensor]:
    """Features ``(N, 64)`` and logits ``(N, 10)`` of all real images of a split, in the data set's order.

    Twelve seconds for 60,000 images, so they are kept in the data cache, in a file named after the extractor's hash
    and the images' checksum: other weights or other images cannot meet an old file.

    Raises:
        InputError: the data set cannot be fetched, or the split is unknown.
    """
    images = torch.from_numpy(load(data, reference)[0])
    spec = DATASETS[data].arrays[f"{reference}_images"]
    key = hashlib.sha256(f"{LENETS[data].sha256} {spec.md5}".encode()).hexdigest()[:16]
    path = data_root() / "features" / f"lenet-{data}-{reference}-{key}.npz"
    try:
        # opened here: numpy forgets to close a torn file
        with path.open("rb") as file, np.load(file) as stored:
            features, logits = stored["features"], stored["logits"]
        if features.shape == (len(images), FEATURES) and logits.shape == (len(images), CLASSES):
            return torch.from_numpy(features), torch.from_numpy(logits)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        pass  # missing or torn: computed anew
    fetch(data)  # checks every byte: what follows is kept under the checksum's name
    features, logits = extract(load_extractor(data), images)
    with suppress(OSError):  # a cache that cannot be written to costs time and nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, features=features.numpy(), logits=logits.numpy())
    return features, logits


@lru_cache(maxsize=4)
def _halves(data: str, reference: Reference) -> tuple[Tensor, Tensor]:
    """The rows of a split behind the reference moments, and the held-out rows."""
    n = len(load(data, reference)[1])
    rows = torch.from_numpy(np.random.default_rng(_HALVES_SEED).permutation(n))
    return rows[: n // 2], rows[n // 2 :]
