"""The quadratic game."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.game import Profile
from saddlebench.games.linear import LinearGame, apply, as_matrix
from saddlebench.parameters import Matrix


@dataclass(frozen=True)
class Quadratic(LinearGame):
    """f(x, y) = ½xᵀPx + xᵀAy − ½yᵀQy, x minimises and y maximises: J = [[P, A], [−Aᵀ, Q]].

    Strongly monotone with modulus μ where P, Q ⪰ μI; with P = Q = μI the eigenvalues of J are μ ± iσ_j(A). Equilibrium 0.

    Raises:
        InputError: P or Q is not symmetric, or the sizes do not fit.
    """

    name = "quadratic"
    paper = "classic"

    p: Matrix = ((1.0,),)  # P, symmetric
    matrix: Matrix = ((1.0,),)  # A
    q: Matrix = ((1.0,),)  # Q, symmetric

    def __post_init__(self) -> None:
        p, a, q = self._given
        for name, m, size in (("p", p, a.shape[0]), ("q", q, a.shape[1])):
            if m.shape != (size, size):
                rows, columns = a.shape
                raise InputError(
                    f"quadratic: {name} must be {size} × {size} beside a {rows} × {columns} matrix, not {tuple(m.shape)}"
                )
            if not torch.equal(m, m.mT):
                raise InputError(f"quadratic: {name} must be symmetric")

    @cached_property
    def _given(self) -> tuple[Tensor, Tensor, Tensor]:
        return as_matrix(self.p, "p"), as_matrix(self.matrix, "matrix"), as_matrix(self.q, "q")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows and columns of A."""
        return tuple(self._given[1].shape)

    @property
    def follower_curvature(self) -> bool:
        """Where Q is invertible."""
        size = torch.linalg.eigvalsh(self._given[2]).abs()
        return bool(size.min() > 1e-12 * size.max())

    def blocks(self, buffers: Any) -> Any:
        """[[P, A], [−Aᵀ, Q]]."""
        p, a, q = self._given
        return (p, a), (-a.mT, q)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(f, −f)."""
        (x, y), (p, a, q) = profile, self._given
        value = ((x * apply(p, x)).sum(-1) - (y * apply(q, y)).sum(-1)) / 2 + (x * apply(a, y)).sum(-1)
        return value, -value

    def gap(self, profile: Profile, buffers: Any) -> Tensor | None:
        """max_y' f(x, y') − min_x' f(x', y) = ½xᵀ(P + AQ⁻¹Aᵀ)x + ½yᵀ(Q + AᵀP⁻¹A)y.

        None unless P and Q are positive definite.
        """
        if self._best_replies is None:
            return None
        (x, y), (for_x, for_y) = profile, self._best_replies
        return ((x * apply(for_x, x)).sum(-1) + (y * apply(for_y, y)).sum(-1)) / 2

    @cached_property
    def _best_replies(self) -> tuple[Tensor, Tensor] | None:
        p, a, q = self._given
        if torch.linalg.eigvalsh(p).min() <= 0 or torch.linalg.eigvalsh(q).min() <= 0:
            return None
        return p + a @ torch.linalg.solve(q, a.mT), q + a.mT @ torch.linalg.solve(p, a)

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """The origin."""
        return tuple(torch.zeros(len(seeds), n, dtype=torch.float64, device=seeds.device) for n in self.sizes)

    def null_directions(self, seeds: Tensor) -> Tensor | None:
        """The null space of J."""
        p, a, q = self._given
        jacobian = torch.cat((torch.cat((p, a), 1), torch.cat((-a.mT, q), 1)))
        _, s, right = torch.linalg.svd(jacobian)
        null = right[s <= 1e-12 * s.max()] if s.max() > 0 else right
        return null.expand(len(seeds), -1, -1).to(seeds.device) if len(null) else None
