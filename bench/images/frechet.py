"""The Fréchet distance between two Gaussians, and the moments it is computed from.

    d² = ‖μ₁ − μ₂‖² + Tr(C₁ + C₂ − 2 (C₁C₂)^½)

(Dowson and Landau 1982; Heusel et al. 2017 for features of images.) C₁C₂ is not symmetric, and its square root by
Schur or Newton iterations gives complex numbers, or NaN when a covariance is singular (fewer images than features).
Its trace needs no such root: with A = C₁^½ and B = C₂^½ symmetric, the eigenvalues of C₁C₂ are the squared singular
values of AB, so

    Tr (C₁C₂)^½ = Σ √λ(A C₂ A) = Σ σ(AB),

and the singular values keep twice the digits of the roots of eigenvalues where these vanish.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of a set of features, or of a batch of sets.

    Args:
        n: how many vectors each set has.
        mean: ``(…, d)``, float64.
        cov: ``(…, d, d)``, float64, with divisor n − 1 (`numpy.cov`'s default, which all published values use).
    """

    n: int
    mean: Tensor
    cov: Tensor

    @classmethod
    def from_features(cls, features: Tensor) -> "Moments":
        """The moments of features ``(…, n, d)``, in float64 around the mean.

        Centred before they are multiplied: Σxxᵀ − nμμᵀ loses the digits that mean and spread differ by.

        Raises:
            ValueError: fewer than two vectors, which have no covariance.
        """
        n = features.shape[-2]
        if n < 2:
            raise ValueError(f"a covariance needs at least 2 feature vectors, got {n}")
        features = features.double()
        mean = features.mean(-2)
        centred = features - mean.unsqueeze(-2)
        return cls(n, mean, centred.mT @ centred / (n - 1))


def frechet_distance(a: Moments, b: Moments) -> Tensor:
    """The squared Fréchet distance d² of the module's formula, which is the number called FID for Inception features.

    Args:
        a: moments with any leading axes.
        b: moments whose leading axes broadcast with a's.

    Returns:
        float64 of the broadcast leading axes; NaN where a moment is not finite, without touching the others. Rounding
        can leave it below zero by about 1e-14 of the traces.
    """
    finite = _finite(a) & _finite(b)
    offset = (a.mean - b.mean).square().sum(-1)
    root = torch.linalg.svdvals(_square_root(a.cov) @ _square_root(b.cov)).sum(-1)
    return torch.where(finite, offset + _trace(a.cov) + _trace(b.cov) - 2 * root, torch.nan)


def _finite(moments: Moments) -> Tensor:
    return moments.mean.isfinite().all(-1) & moments.cov.isfinite().flatten(-2).all(-1)


def _trace(matrix: Tensor) -> Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1).sum(-1)


def _square_root(cov: Tensor) -> Tensor:
    """The symmetric root of positive semidefinite matrices; of zero where a matrix is not finite.

    One such matrix would make `torch.linalg.eigh` raise for the whole batch.
    """
    finite = cov.isfinite().flatten(-2).all(-1)[..., None, None]
    values, vectors = torch.linalg.eigh(torch.where(finite, cov, 0.0))
    return (vectors * values.clamp(min=0).sqrt().unsqueeze(-2)) @ vectors.mT
