"""Which cells measure the published numbers on images: a row a published row, in names of games, optimizers and parameters.

A game or an optimizer named here need not exist: what no cell fits is reported as not run.
"""

from collections.abc import Mapping
from typing import Any

from saddlebench.results.papers.matching import Match, Matches

_BETAS = {"betas": (0.5, 0.9)}
_CLIPPED = {"loss": "wasserstein", "clip": 0.01}
_PENALISED = {"loss": "wasserstein", "gradient_penalty": 10.0}
_GIDEL_STEPS = 500_000

_GIDEL_OPTIMIZERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "SimAdam": ("adam", _BETAS),
    "AltAdam5": ("alternating-gradient", {"rule": {"adam": _BETAS}, "schedule": (1, 1, 1, 1, 1, 0)}),
    "ExtraAdam": ("extra-adam", _BETAS),
    "PastExtraAdam": ("past-extra-adam", _BETAS),
    "OptimAdam": ("optimistic-adam", _BETAS),
}
_GIDEL_COLUMNS: Mapping[str, tuple[str, Mapping[str, Any], tuple[str, Mapping[str, Any]] | None]] = {
    "WGAN": ("cifar10-dcgan", _CLIPPED, None),
    "WGAN uniform average": ("cifar10-dcgan", _CLIPPED, ("uniform-average", {})),
    "WGAN EMA": ("cifar10-dcgan", _CLIPPED, ("moving-average", {"decay": 0.999})),
    "WGAN-GP": ("cifar10-dcgan", _PENALISED, None),
    "WGAN-GP uniform average": ("cifar10-dcgan", _PENALISED, ("uniform-average", {})),
    "ResNet WGAN-GP": ("cifar10-resnet", _PENALISED, None),
}


def _gidel(row: str, column: str) -> Match:
    name, parameters = _GIDEL_OPTIMIZERS[row]
    game, facts, wrapper = _GIDEL_COLUMNS[column]
    if wrapper is None:
        return Match(game, name, facts, parameters, steps=_GIDEL_STEPS)
    return Match(game, wrapper[0], facts, {"base": {name: parameters}, **wrapper[1]}, "average", _GIDEL_STEPS)


GIDEL2019: Matches = {
    (row, column): _gidel(row, column)
    for row in _GIDEL_OPTIMIZERS
    for column in _GIDEL_COLUMNS
    if row != "OptimAdam" or column.startswith(("WGAN ", "ResNet")) or column == "WGAN"  # it was not run with WGAN-GP's DCGAN
}

_IMAGENET = {"data": "imagenet128"}
_ADAM = {"step_size": (5e-5, 2e-4), "schedule": (1, 1, 0), "rule": {"adam": {"betas": (0.0, 0.999)}}}
_BASE = {"base": {"alternating-gradient": _ADAM}}


def _imagenet(game: str, method: Mapping[str, Any], **facts: Any) -> Match:
    """A cell of the suite imagenet-biggan, judged by the mean of its iterates."""
    return Match(game, "moving-average", _IMAGENET | facts, method, "average")


# Truncated sampling is no training run of its own, so only the untruncated rows have a counterpart.
LOGAN: Matches = {
    ("baseline", "no truncation"): _imagenet("biggan-deep", _BASE, latent_law="uniform"),
    ("LOGAN (GD)", "no truncation"): _imagenet("biggan-deep", {"base": {"logan": {"natural": False, **_BASE}}}),
    ("LOGAN (NGD)", "no truncation"): _imagenet("biggan-deep", {"base": {"logan": {"natural": True, **_BASE}}}),
}

CIFAR10: Matches = {
    ("DCGAN", None): Match("cifar10-dcgan", "adam", {"loss": "non-saturating"}),
    ("LSGAN", None): Match("cifar10-dcgan", "adam", {"loss": "lsgan"}),
    ("WGAN-GP", None): Match("cifar10-resnet", "adam", _PENALISED),
    ("SNGAN ResNet hinge", None): Match("cifar10-resnet", "adam", {"loss": "hinge"}),
    ("SNGAN", None): Match("cifar10-resnet", "adam", {"loss": "hinge"}),
    ("BigGAN", None): Match("biggan", "adam", {"data": "cifar10"}),
}

IMAGENET128: Matches = {
    **LOGAN,
    ("BigGAN", None): _imagenet("biggan", _BASE, batch=2048),
    ("BigGAN, batch 2048", None): _imagenet("biggan", _BASE, batch=2048),
    ("BigGAN, batch 256", None): _imagenet("biggan", _BASE, batch=256),
}
