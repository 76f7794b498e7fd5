"""Competitive gradient descent."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from saddlebench.optimizers import solvers
from saddlebench.optimizers.adjustments.products import off_diagonal_transposed
from saddlebench.optimizers.optimizer import Optimizer, Oracle, Point, Profile, State
from saddlebench.optimizers.search import LogUniform, Space
from saddlebench.parameters import Count, Positive, Tolerance, cast, pick


@dataclass(frozen=True)
class CompetitiveGradient(Optimizer):
    """w⁺ = w − (I + D H_o)⁻¹ D v, D = diag(η_i), H_o the off-diagonal blocks of J (CGD).

    For two players x⁺ = x − η(I − η² f_xy g_yx)⁻¹(f_x − η f_xy g_y) and the same for y (Schäfer & Anandkumar, NeurIPS 2019).
    Solved for u = D^{−½}(w − w⁺), (I + S)u = D^½ v with S = D^½ H_o D^½: in two-player zero-sum games S is antisymmetric, so one
    block is eliminated and conjugate gradients solve (I + BBᵀ)u_x = r_x − B r_y; other games take GMRES on the whole.
    """

    name = "competitive-gradient"
    paper = "Schäfer & Anandkumar 2019"
    cost = "1 gradient + 1 product + 1 product an iteration (general-sum: 1 more gradient)"
    search: ClassVar[Space] = {"step_size": LogUniform(1e-3, 10)}  # stable at any length on a bilinear game

    step_size: Positive = 0.1  # η
    iterations: Count = 20  # of the linear solver, a fixed number (fewer where the rank is smaller)
    tolerance: Tolerance = 1e-12  # relative residual at which a run's solve stops

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """One linearisation, one solve."""
        moves = self.moves(oracle, oracle.at(w), [cast(pick(self.step_size, i) ** 0.5, x) for i, x in enumerate(w)])
        return tuple(x - d for x, d in zip(w, moves, strict=True)), state

    def moves(self, oracle: Oracle, point: Point, root: list[Any]) -> Profile:
        """(I + D H_o)⁻¹ D v for any positive diagonal D, given D^½: a number or a tensor a player."""
        right = tuple(s * v for s, v in zip(root, point.v, strict=True))
        eliminate = oracle.zero_sum and len(right) == 2
        u = (self._eliminated if eliminate else self._whole)(oracle, point, root, right)
        return tuple(s * x for s, x in zip(root, u, strict=True))

    def _eliminated(self, oracle: Oracle, point: Point, root: list[Any], r: Profile) -> Profile:
        def b(u: Tensor) -> Tensor:
            return root[0] * point.block(0, 1, root[1] * u)

        def bt(u: Tensor) -> Tensor:
            return root[1] * point.block(0, 1, root[0] * u, transpose=True)

        def schur(u: Tensor) -> Tensor:
            return u + b(bt(u))

        enough = min(self.iterations, min(x.shape[-1] for x in r) + 2)  # the rank of BBᵀ, and room for rounding
        solver = partial(solvers.conjugate_gradient, iterations=enough, tolerance=self.tolerance)
        x = solvers.solve(schur, schur, r[0] - b(r[1]), solver, oracle.differentiable)
        return x, r[1] + bt(x)

    def _whole(self, oracle: Oracle, point: Point, root: list[Any], r: Profile) -> Profile:
        sizes = [x.shape[-1] for x in r]

        def scaled(u: Tensor) -> Profile:
            return tuple(s * x for s, x in zip(root, u.split(sizes, -1), strict=True))

        def product(u: Tensor) -> Tensor:
            return u + torch.cat([s * x for s, x in zip(root, point.jvp(scaled(u), off=True), strict=True)], -1)

        def transposed(u: Tensor) -> Tensor:
            return u + torch.cat([s * x for s, x in zip(root, off_diagonal_transposed(point, scaled(u)), strict=True)], -1)

        solver = partial(solvers.gmres, iterations=self.iterations, tolerance=self.tolerance)
        u = solvers.solve(product, transposed, torch.cat(r, -1), solver, oracle.differentiable)
        return u.split(sizes, -1)
