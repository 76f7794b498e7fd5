"""Judges: the measures of one extractor's features. A judge is fitted to real features and then judges sets of generated ones.

=====================  ==========================================================================================  =============
measure                meaning                                                                                     better
=====================  ==========================================================================================  =============
``fd_lite0_pca64``     Fréchet distance of 64 principal components of lite0 features; not an FID                   lower
``kid_lite0``          kernel distance of all 1280 (unbiased, may be negative); not a KID                          near 0
``precision``          share of images whose lite0 features are among those of real ones: k = 5, length 1          higher
``recall``             share of real images among generated ones, the same way                                     higher
``density``            how many real neighbourhoods an image is in, by k; about 1 for real ones                    higher
``coverage``           share of real neighbourhoods with a generated image                                         higher
``fid``                Fréchet distance of 2048 Inception features                                                 lower
``kid``                kernel distance of them, mean of 100 subsets of 1000                                        near 0
``inception_score``    exp E KL(p(y|x) ‖ p(y)) of Inception's classes, mean of 10 parts                            higher
``fd_NAME``            Fréchet distance of a user's own features                                                   lower
``…_infinity``         the Fréchet distance above for infinitely many generated images, extrapolated               lower
=====================  ==========================================================================================  =============

All depend on the counts of both sets; precision, recall, density and coverage take as many real images as there are generated ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from saddlebench.bench.images.extractors import Extractor
from saddlebench.bench.images.frechet import Moments, frechet_distance
from saddlebench.bench.images.inception import Inception, inception_score
from saddlebench.bench.images.infinity import frechet_infinity
from saddlebench.bench.images.kernel import kernel_distance, kernel_distance_of_subsets
from saddlebench.bench.images.lite0 import BASIS_HASH, Lite0, load_basis
from saddlebench.bench.images.neighbours import normalised, prdc

INCEPTION = ("fid", "kid", "inception_score")
Judgement = Callable[[Tensor], dict[str, float]]


@dataclass(frozen=True)
class Judge:
    """The measures of one extractor.

    Args:
        extractor: images to features.
        names: of the measures.
        identity: the extractor's, and of whatever else fixes the values.
        fit: of real features ``(n_real, d)``, and the number of generated images, to a function of generated features.
    """

    extractor: Extractor
    names: tuple[str, ...]
    identity: str
    fit: Callable[[Tensor, int], Judgement]


def lite0_judge(extractor: Lite0, infinity: bool = False) -> Judge:
    """All measures of lite0 features."""
    distance = _frechet("fd_lite0_pca64", infinity)

    def fit(real: Tensor, n_fake: int) -> Judgement:
        basis = load_basis().double()
        judged = distance(real.double() @ basis)
        some, directions = real[:n_fake], normalised(real[:n_fake])

        def judge(fake: Tensor) -> dict[str, float]:
            values = judged(fake.double() @ basis)
            values["kid_lite0"] = kernel_distance(some, fake)
            return values | prdc(directions, normalised(fake))

        return judge

    names = (*_frechet_names("fd_lite0_pca64", infinity), "kid_lite0", "precision", "recall", "density", "coverage")
    return Judge(extractor, names, f"{extractor.identity} pca64 sha256:{BASIS_HASH}", fit)


def inception_judge(extractor: Inception, infinity: bool = False) -> Judge:
    """FID, KID and Inception Score; with other than the standard weights their names say so: ``fid_other_weights`` …"""
    fid, kid, score = (name if extractor.standard else f"{name}_other_weights" for name in INCEPTION)
    distance = _frechet(fid, infinity)

    def fit(real: Tensor, n_fake: int) -> Judgement:
        del n_fake
        judged = distance(real)

        def judge(fake: Tensor) -> dict[str, float]:
            values = judged(fake)
            values[kid], _ = kernel_distance_of_subsets(real, fake)
            values[score], _ = inception_score(extractor.logits(fake))
            return values

        return judge

    return Judge(extractor, (*_frechet_names(fid, infinity), kid, score), extractor.identity, fit)


def plain_judge(extractor: Extractor, infinity: bool = False) -> Judge:
    """The Fréchet distance of a user's own features."""
    name = f"fd_{extractor.name}"
    distance = _frechet(name, infinity)
    return Judge(extractor, _frechet_names(name, infinity), extractor.identity, lambda real, _: distance(real))


def _frechet_names(name: str, infinity: bool) -> tuple[str, ...]:
    return (name, f"{name}_infinity") if infinity else (name,)


def _frechet(name: str, infinity: bool) -> Callable[[Tensor], Judgement]:
    def fit(real: Tensor) -> Judgement:
        reference = Moments.from_features(real)

        def judge(fake: Tensor) -> dict[str, float]:
            values = {name: frechet_distance(Moments.from_features(fake), reference).item()}
            if infinity:
                values[f"{name}_infinity"] = frechet_infinity(fake, reference)
            return values

        return judge

    return fit
