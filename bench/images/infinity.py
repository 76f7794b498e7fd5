"""The Fréchet distance of infinitely many generated images, extrapolated.

E d²(N) ≈ d²(∞) + c/N, so a line through the distances of subsets over 1/N meets the axis at d²(∞) (Chong and Forsyth 2020; 15
subsets, equally spaced in N). The reference moments stay as they are: their own count still counts.
"""

import torch
from torch import Tensor

from saddlebench.bench.images.frechet import Moments, frechet_distance

POINTS = 15
_SEED = 20240505


def frechet_infinity(features: Tensor, reference: Moments, points: int = POINTS) -> float:
    """d²(∞) of features ``(n, d)`` against ``reference``, from subsets of n/10 … n vectors drawn without replacement.

    Raises:
        ValueError: too few vectors or points for a line.
    """
    n = len(features)
    counts = torch.linspace(n / 10, n, points, dtype=torch.float64).round().long()
    if points < 2 or counts[0] < 2:
        raise ValueError(f"{n} vectors and {points} points, expected at least 20 and 2")
    generator = torch.Generator().manual_seed(_SEED)
    order = [torch.randperm(n, generator=generator)[:count].to(features.device) for count in counts.tolist()]
    distances = torch.stack([frechet_distance(Moments.from_features(features[rows]), reference) for rows in order]).cpu()
    return line_at_zero(1 / counts.double(), distances)


def line_at_zero(x: Tensor, y: Tensor) -> float:
    """Where the least-squares line through ``(x, y)`` meets x = 0."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = (dx * dy).sum() / dx.square().sum()
    return (y.mean() - slope * x.mean()).item()
