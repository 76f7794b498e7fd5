"""Kernel distance of two sets of features: the squared maximum mean discrepancy with a cubic polynomial kernel.

    k(x, y) = (xᵀy/d + 1)³
    MMD² = Σ_{i≠j} k(x_i, x_j) / m(m − 1) + Σ_{i≠j} k(y_i, y_j) / n(n − 1) − 2 Σ_ij k(x_i, y_j) / mn

It has no bias (Bińkowski et al. 2018), so that its mean does not depend on how many images there are, and it can be negative. Of
Inception features it is the number called KID, by convention the mean over subsets.
"""

import torch
from torch import Tensor

_ROWS = 1000  # of a kernel matrix at once


def kernel_distance(x: Tensor, y: Tensor) -> float:
    """MMD² of all features ``(m, d)`` and ``(n, d)``, in float64; NaN where one is not finite.

    Raises:
        ValueError: fewer than two vectors in a set.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(f"a kernel distance needs at least 2 vectors in each set, got {len(x)} and {len(y)}")
    x, y = x.double(), y.double()
    m, n = len(x), len(y)
    within = sum((_sum(z, z) - _kernel(z.square().sum(-1), z.shape[1]).sum()) / (k * (k - 1)) for z, k in ((x, m), (y, n)))
    return float(within - 2 * _sum(x, y) / (m * n))


def kernel_distance_of_subsets(
    x: Tensor, y: Tensor, subsets: int = 100, size: int = 1000, seed: int = 20240504
) -> tuple[float, float]:
    """Mean and standard deviation of MMD² over random subsets of both sets, as KID is published (100 of 1000).

    Args:
        x: features ``(m, d)``.
        y: features ``(n, d)``.
        subsets: how many pairs of subsets.
        size: vectors in each, drawn without replacement; all of a set that has fewer.
        seed: of the draws.
    """
    generator = torch.Generator().manual_seed(seed)

    def drawn(z: Tensor) -> Tensor:
        return z[torch.randperm(len(z), generator=generator)[:size].to(z.device)]

    values = torch.tensor([kernel_distance(drawn(x), drawn(y)) for _ in range(subsets)], dtype=torch.float64)
    return values.mean().item(), values.std(correction=0).item()


def _kernel(products: Tensor, d: int) -> Tensor:
    return (products / d + 1) ** 3


def _sum(x: Tensor, y: Tensor) -> Tensor:
    return torch.stack([_kernel(part @ y.mT, x.shape[1]).sum() for part in x.split(_ROWS)]).sum()
