"""How good generated images are, by the features of any extractors: `judges` says which measures each has.

Real images of one split are cut by a fixed permutation: the first ``n_real`` are the reference; the next give the floor, sets of as
many real images as there are generated ones, judged as if generated: what a perfect generator gets. Pixels drawn uniformly are the
control at the other end. A set of another size is refused, not compared.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.images.extractors import Extractor, extract
from saddlebench.bench.images.halves import Halves
from saddlebench.bench.images.judges import Judge, Judgement
from saddlebench.bench.images.pixels import as_bytes
from saddlebench.bench.images.reference import real_features
from saddlebench.games.data import ImageSet

_CONTROL_SEED = 20240503

Extracting = Callable[[Extractor, Tensor], Tensor]


class Extra(Protocol):
    """Measures that see the images themselves, or features together with labels."""

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102 - of the measures

    def __call__(self, images: Tensor, features: dict[str, Tensor]) -> dict[str, float]:
        """The measures of uint8 images ``(n, C, H, W)`` with their features by extractor."""
        ...

    def floor(self) -> dict[str, float]:
        """Those of real images."""
        ...


class FeatureMetrics:
    """The measures of sets of ``n_fake`` images against real ones.

    Args:
        images: the real images.
        halves: which of them are used for what.
        judges: an extractor and its measures each.
        extras: further measures.
        absent: names of measures that were asked for and cannot be had here: they are NaN.

    Attributes:
        n_fake: images in every set that is judged.
        extractor: what fixes the features, and the reference.
    """

    def __init__(
        self, images: ImageSet, halves: Halves, judges: Sequence[Judge], extras: Sequence[Extra] = (), absent: Sequence[str] = ()
    ) -> None:
        self._images, self._halves = images, halves
        self._judges, self._extras, self._absent = tuple(judges), tuple(extras), tuple(absent)
        self.n_fake, self.n_real = halves.n_fake, halves.n_real
        reference = f"reference {images.name} {images.split} {images.checksum[:12]}"
        self.extractor = "; ".join([*(judge.identity for judge in self._judges), reference])

    @property
    def names(self) -> tuple[str, ...]:
        """Of all measures."""
        return (*(name for part in (*self._judges, *self._extras) for name in part.names), *self._absent)

    def assist(self, images: Tensor, extracting: Extracting) -> None:
        """What `evaluate` of the same images extracts, in the same order: for processes that extract together."""
        for run in images:
            for judge in self._judges:
                extracting(judge.extractor, as_bytes(run))

    def evaluate(self, images: Tensor, extracting: Extracting = extract) -> dict[str, Tensor]:
        """The measures of one set a run.

        Args:
            images: ``(runs, n_fake, H, W)`` or ``(runs, n_fake, C, H, W)`` with C of 1 or 3, float in [−1, 1] or uint8, on any
                device.
            extracting: gives the features of images.

        Returns:
            Measure name → float64 ``(runs,)`` on the CPU; NaN for a run with a pixel that is not finite.

        Raises:
            ValueError: another number of images, shape or dtype.
        """
        images = images.unsqueeze(2) if images.dim() == 4 else images
        if images.dim() != 5 or images.shape[2] not in (1, 3):
            raise ValueError(f"images have shape {tuple(images.shape)}, expected (runs, n, H, W) or (runs, n, 1 or 3, H, W)")
        if images.shape[1] != self.n_fake:
            raise ValueError(f"{images.shape[1]} images, expected n_fake = {self.n_fake}: the measures depend on it")
        rows = [self._judge_run(run, extracting) for run in images]
        return {name: torch.tensor([row.get(name, torch.nan) for row in rows], dtype=torch.float64) for name in self.names}

    @cached_property
    def floor(self) -> dict[str, float]:
        """The measures of real images at the same count: the mean over disjoint draws. Empty where no images are left for it."""
        found: dict[str, float] = {}
        if len(self._halves.draws):
            for judge, fitted in self._fitted:
                features = real_features(judge.extractor, self._images, self._halves.draws.flatten())
                draws = [fitted(part) for part in features.split(self.n_fake)]
                found |= {name: float(np.mean([draw[name] for draw in draws])) for name in judge.names}
        for extra in self._extras:
            found |= extra.floor()
        return found

    @cached_property
    def control(self) -> dict[str, float]:
        """The judges' measures of pixels drawn uniformly."""
        noise = torch.randint(0, 256, self._noise_shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(_CONTROL_SEED))
        checksum = f"uniform noise {self._noise_shape} {_CONTROL_SEED}"
        noises = ImageSet("uniform-noise", self._images.split, noise.numpy(), np.zeros(self.n_fake, np.uint8), checksum)
        found: dict[str, float] = {}
        for judge, fitted in self._fitted:
            found |= fitted(real_features(judge.extractor, noises, torch.arange(self.n_fake)))
        return found

    def references(self) -> dict[str, float]:
        """Floors of all measures, and of each judge's first one the control and the counts."""
        found = {f"{name}_floor": value for name, value in self.floor.items()}
        for judge in self._judges:
            first = judge.names[0]
            found[f"{first}_uniform_noise"] = self.control[first]
            found[f"{first}_n_real"] = float(self.n_real)
            found[f"{first}_n_fake"] = float(self.n_fake)
        return found

    @property
    def _noise_shape(self) -> tuple[int, ...]:
        return (self.n_fake, *self._images.images.shape[1:])

    @cached_property
    def _fitted(self) -> list[tuple[Judge, Judgement]]:
        real = self._halves.real
        return [(judge, judge.fit(real_features(judge.extractor, self._images, real), self.n_fake)) for judge in self._judges]

    def _judge_run(self, images: Tensor, extracting: Extracting) -> dict[str, float]:
        if images.is_floating_point() and not images.isfinite().all():
            return {}
        shown = as_bytes(images)
        features: dict[str, Tensor] = {}
        values: dict[str, float] = {}
        for judge, fitted in self._fitted:
            features[judge.extractor.name] = extracting(judge.extractor, shown)
            values |= fitted(features[judge.extractor.name])
        for extra in self._extras:
            values |= extra(shown, features)
        return values
