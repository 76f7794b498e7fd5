"""Projections on the domains that players can have."""

import torch
from torch import Tensor


def project_simplex(x: Tensor) -> Tensor:
    """The Euclidean projection of each row of ``(runs, size)`` on the probability simplex.

    x_i = max(v_i + τ, 0) with τ = (1 − Σ_{i≤ρ} u_i)/ρ, ρ = max{j: u_j + (1 − Σ_{i≤j} u_i)/j > 0}, u = v sorted descending.
    Source: Duchi, Shalev-Shwartz, Singer, Chandra, ICML 2008.
    """
    u = x.sort(dim=-1, descending=True).values
    rank = torch.arange(1, x.shape[-1] + 1, device=x.device, dtype=x.dtype)
    shift = (1 - u.cumsum(-1)) / rank
    support = (u + shift > 0).sum(-1, keepdim=True).clamp_min(1)
    return (x + shift.gather(-1, support - 1)).clamp_min(0)
