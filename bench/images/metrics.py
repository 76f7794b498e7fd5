"""Image measures by the name that a game gives; imported when a game asks for them.

A name is ``mnist``, ``fashion-mnist``, ``cifar10`` or the path of a folder of images, with settings behind it as in a web address:

    cifar10                                        lite0 measures, 2,000 images against 10,000 of the training split
    cifar10?n_fake=500&also=fid,memorisation       fewer images, and more measures
    ~/pictures?side=64&also=mine.py:features       a folder, and a Fréchet distance of a user's own features

==============  ================================================================================================================
``n_fake``      generated images in a set: 5,000 (mnist, fashion-mnist), 2,000 (others; 15 to 30 s a core for each set)
``n_real``      reference images (10,000); not for mnist and fashion-mnist, whose reference is half a split
``reference``   the split of the real images: train, or test
``side``        of a folder's images, in pixels; needed there
``channels``    of a folder's images: 3, or 1
``also``        further measures, with commas: fid (with kid and inception_score), infinity, memorisation, downstream,
                module:callable, file.py:callable; for mnist and fashion-mnist also lite0
``labels``      in-turn: generated image i is of class i modulo the number of classes (for downstream)
==============  ================================================================================================================
"""

import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import parse_qsl

from torch import Tensor

from saddlebench.errors import InputError, unknown

if TYPE_CHECKING:
    from saddlebench.bench.images.judges import Judge

_LENET = ("mnist", "fashion-mnist")
_ALSO = ("lite0", "fid", "infinity", "memorisation", "downstream")
_KEYS = ("n_fake", "n_real", "reference", "side", "channels", "also", "labels")
_LENET_KEYS = ("n_fake", "reference", "also", "labels")


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
        InputError: an unknown name or setting, or data that cannot be fetched.
    """
    if not name:
        return None
    data, _, query = name.partition("?")
    if data in _LENET and ("side=" in query or "channels=" in query):
        raise InputError(f"the image measures of {data} are of its own 28 × 28 grey images: set game.metrics=none for others")
    settings = _settings(query, _LENET_KEYS if data in _LENET else _KEYS)
    also = tuple(part for part in settings.get("also", "").split(",") if part)
    for part in also:
        if part not in _ALSO and ":" not in part:
            raise unknown("further image measure", part, [*_ALSO, "module:callable"])
    if data not in _LENET:
        return _by_features(data, settings, ("lite0", *also))
    from saddlebench.bench.images.lenet_metrics import LeNetMetrics  # here: it loads a network and the images

    own = LeNetMetrics(_count(settings, "n_fake") or 5000, cast(Any, settings.get("reference", "train")), data)
    return Together(own, _by_features(data, settings | {"n_fake": str(own.n_fake)}, also)) if also else own


class Together:
    """The measures of two at once, of sets of the same size."""

    def __init__(self, first: ImageMetrics, second: ImageMetrics) -> None:
        self._parts = (first, second)
        self.n_fake = first.n_fake
        self.extractor = "; ".join(part.extractor for part in self._parts)

    def references(self) -> dict[str, float]:
        """Of both."""
        return {name: value for part in self._parts for name, value in part.references().items()}

    def evaluate(self, images: Tensor) -> dict[str, Tensor]:
        """Of both."""
        return {name: value for part in self._parts for name, value in part.evaluate(images).items()}


def _by_features(data: str, settings: Mapping[str, str], wanted: tuple[str, ...]) -> ImageMetrics:
    from saddlebench.bench.images.feature_metrics import FeatureMetrics, Halves
    from saddlebench.games.data import image_set

    split = cast(Any, settings.get("reference", "train"))
    images = image_set(data, split, _count(settings, "side"), _count(settings, "channels"))
    halves = Halves(len(images.images), _count(settings, "n_fake"), _count(settings, "n_real"))
    judges, absent = _judges(wanted)
    extras = []
    if "memorisation" in wanted:
        from saddlebench.bench.images.memorisation import Memorisation

        extras.append(Memorisation(images, halves.real[: halves.n_fake]))
    if "downstream" in wanted:
        from saddlebench.bench.images.downstream import downstream

        test = image_set(data, "test", _count(settings, "side"), _count(settings, "channels"))
        extras.append(downstream(images, test, halves, settings.get("labels") == "in-turn"))
    return FeatureMetrics(images, halves, judges, extras, absent)


def _judges(wanted: tuple[str, ...]) -> "tuple[list[Judge], tuple[str, ...]]":
    """A judge an extractor, and the names of measures whose extractor is not to be had."""
    from saddlebench.bench.images import judges as make

    infinity = "infinity" in wanted
    found: list[Judge] = []
    absent: tuple[str, ...] = ()
    if "lite0" in wanted or "downstream" in wanted:
        from saddlebench.bench.images.lite0 import lite0

        found.append(make.lite0_judge(lite0(), infinity))
    if "fid" in wanted:
        from saddlebench.bench.images.inception import inception

        try:
            found.append(make.inception_judge(inception(), infinity))
        except InputError as error:  # a run goes on without
            print(f"no fid, kid and inception_score: {error}", file=sys.stderr)
            absent = make.INCEPTION
    for place in (part for part in wanted if ":" in part):
        from saddlebench.bench.images.custom import Custom

        found.append(make.plain_judge(Custom(place), infinity))
    return found, absent


def _settings(query: str, known: tuple[str, ...]) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise InputError(f"the image measures' settings are {query!r}, expected key=value&key=value") from error
    for key, value in pairs:
        if key not in known:
            raise unknown("setting of image measures", key, known)
        if key == "labels" and value != "in-turn":
            raise InputError(f"labels is {value!r}, expected in-turn")
    return dict(pairs)


def _count(settings: Mapping[str, str], key: str) -> int | None:
    if key not in settings:
        return None
    if not settings[key].isdecimal():
        raise InputError(f"{key} of the image measures is {settings[key]!r}, expected a whole number")
    return int(settings[key])
