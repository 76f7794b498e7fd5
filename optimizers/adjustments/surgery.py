"""Local symplectic surgery."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from saddlebench.optimizers import solvers
from saddlebench.optimizers.adjustments.adjustment import Adjustment
from saddlebench.optimizers.adjustments.products import inner
from saddlebench.optimizers.optimizer import Point, Profile
from saddlebench.parameters import Count, NonNegativeScalar, PositiveScalar, Tolerance, cast


@dataclass(frozen=True)
class Surgery(Adjustment):
    """½(v + Jᵀ(JᵀJ + λI)⁻¹Jᵀv), by conjugate gradients; λ(w) = λ(1 − e^{−ξ‖v‖²}) where ξ is given.

    Mazumdar, Jordan, Sastry 2019.
    """

    gamma: NonNegativeScalar = 0.1  # λ
    fading: PositiveScalar | None = None  # ξ; None: λ is constant
    iterations: Count = 20  # of conjugate gradients, a fixed number (fewer in small games)
    tolerance: Tolerance = 1e-12  # relative residual at which a run's solve stops

    def field(self, point: Point) -> Profile:
        """A product with Jᵀ, two an iteration, and another with Jᵀ."""
        v, sizes = point.v, [x.shape[-1] for x in point.v]
        damping = self.damping(v)

        def normal(u: Tensor) -> Tensor:
            return torch.cat(point.vjp(point.jvp(u.split(sizes, -1))), -1) + damping * u

        solver = partial(solvers.conjugate_gradient, iterations=min(self.iterations, sum(sizes) + 2), tolerance=self.tolerance)
        right = torch.cat(point.vjp(v), -1)
        u = solvers.solve(normal, normal, right, solver, right.requires_grad)
        return tuple((x + t) / 2 for x, t in zip(v, point.vjp(u.split(sizes, -1)), strict=True))

    def damping(self, v: Profile) -> Tensor:
        """λ(w), ``(runs, 1)``."""
        square = inner(v, v)
        size = cast(self.gamma, square) * torch.ones_like(square)
        return size if self.fading is None else size * (1 - torch.exp(-cast(self.fading, square) * square))
