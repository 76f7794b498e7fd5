"""Precision, recall, density and coverage of generated features, and the nearest training images of samples.

Around each vector of a set lies the ball that reaches to its k-th nearest neighbour in the set; r_k is its radius.

    precision  share of generated vectors inside some ball of a real one      recall  the same with the sets exchanged
    density    Σ over generated of the real balls it is in, / (k · generated)  coverage  share of real balls with a generated one

(Kynkäänniemi et al. 2019 with k = 3 for the first two; Naeem et al. 2020 with k = 5 for all four.) Values depend on the size of
both sets: compare equal ones. On features of free length, a network may put noise near the origin and inside the large balls of
real outliers (lite0: precision .98 of uniform noise); scaled to length 1 (`normalised`) they judge direction alone.
"""

import torch
from torch import Tensor

_ROWS = 1000  # of a distance matrix at once


def prdc(real: Tensor, fake: Tensor, k: int = 5) -> dict[str, float]:
    """The four of features ``(n, d)`` and ``(m, d)``: Euclidean distances in float64, balls closed; NaN where one is not finite.

    Raises:
        ValueError: no more than k vectors in a set.
    """
    if min(len(real), len(fake)) <= k:
        raise ValueError(f"k is {k}: {len(real)} and {len(fake)} vectors are too few, expected more than k in each set")
    names = ("precision", "recall", "density", "coverage")
    if not (real.isfinite().all() and fake.isfinite().all()):
        return dict.fromkeys(names, float("nan"))
    real, fake = real.double(), fake.double()
    real_radii, fake_radii = _radii(real, k), _radii(fake, k)
    recalled, covered = [], []
    balls = torch.zeros(len(fake), dtype=torch.float64, device=fake.device)
    for part, radii in zip(real.split(_ROWS), real_radii.split(_ROWS), strict=True):
        squares = squared_distances(part, fake)
        inside = squares <= radii[:, None]
        balls += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((squares <= fake_radii).any(1))
    values = (
        (balls > 0).double().mean(),
        torch.cat(recalled).double().mean(),
        balls.mean() / k,
        torch.cat(covered).double().mean(),
    )
    return dict(zip(names, (value.item() for value in values), strict=True))


def normalised(features: Tensor) -> Tensor:
    """Features scaled to Euclidean length 1, in float64; a zero vector stays one."""
    return torch.nn.functional.normalize(features.double(), dim=-1)


def nearest(samples: Tensor, training: Tensor, own: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The distance of each sample to the nearest training vector, and that vector's number.

    Args:
        samples: ``(m, d)``: features, or pixels.
        training: ``(n, d)``, of any dtype (a uint8 array of images need not be copied as a whole).
        own: ``(m,)``, the number of each sample among the training vectors, which is passed over; None: it is not among them.

    Returns:
        float64 ``(m,)`` and int64 ``(m,)``.
    """
    best = torch.full((len(samples),), torch.inf, dtype=torch.float64, device=samples.device)
    index = torch.zeros(len(samples), dtype=torch.int64, device=samples.device)
    samples = samples.double()
    for start in range(0, len(training), _ROWS):
        squares = squared_distances(samples, training[start : start + _ROWS].to(samples))
        if own is not None:
            inside = ((own >= start) & (own < start + squares.shape[1])).nonzero().squeeze(1)
            squares[inside, own[inside] - start] = torch.inf
        found, where = squares.min(1)
        closer = found < best
        best, index = torch.where(closer, found, best), torch.where(closer, where + start, index)
    return best.sqrt(), index


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """‖x_i − y_j‖² ``(m, n)``, as one matrix product about x's mean, which saves the digits that a common offset would cost."""
    centre = x.mean(0)
    x, y = x - centre, y - centre
    return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.mT).clamp(min=0)


def _radii(x: Tensor, k: int) -> Tensor:
    """r_k² of each vector, itself not counted."""
    found = []
    for start in range(0, len(x), _ROWS):
        squares = squared_distances(x[start : start + _ROWS], x)
        rows = torch.arange(len(squares), device=x.device)
        squares[rows, rows + start] = torch.inf
        found.append(squares.kthvalue(k, dim=1).values)
    return torch.cat(found)
