"""Follow the ridge: the follower stays on its ridge while the leader moves."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers import solvers
from saddlebench.optimizers.leading import BestReply
from saddlebench.optimizers.optimizer import Oracle, Point, Profile
from saddlebench.parameters import Momentum, cast, pick


class RidgeState(NamedTuple):
    """The rules' states and the last displacement w − w₋."""

    rules: Any
    last: Profile


@dataclass(frozen=True)
class FollowTheRidge(BestReply):
    """x⁺ = x − η_x d_x + β(x − x₋), y⁺ = y − η_y d_y + η_x g_yy⁻¹ g_yx d_x + β(y − y₋), d = rule(f_x or D_x f, g_y) (FR).

    Wang, Zhang, Ba, ICLR 2020. In zero-sum games d_x is made of f_x, in general-sum games of D_x f = f_x − g_xy g_yy⁻¹ f_y
    (``total``). A preconditioner is a ``rule`` (the paper's GANs: RMSProp with a = 0.999, η = 2e-4); ``rule="momentum"`` is the
    authors' momentum, which keeps the correction out of y's velocity. g_yy⁻¹ b ≈ (g_yy² + δI)⁻¹ g_yy b by conjugate gradients, as
    theirs (5 iterations and δ = 1 at first, adapted by theirs, fixed here).
    """

    name = "follow-the-ridge"
    paper = "Wang et al. 2020"
    cost = "1 gradient + 1 product + 1 product an iteration (general-sum: 1 more gradient, twice the products)"

    momentum: Momentum = 0.0  # β, of the whole displacement
    total: bool | None = None  # does the leader descend the total derivative D_x f? None: where the game is not zero-sum

    def init(self, oracle: Oracle, w: Profile) -> RidgeState:
        """At rest."""
        return RidgeState(super().init(oracle, w), tuple(torch.zeros_like(x) for x in w))

    def step(self, oracle: Oracle, w: Profile, state: RidgeState) -> tuple[Profile, RidgeState]:
        """Both players' moves, and the follower's correction for the leader's."""
        point = oracle.at(w)
        total = not oracle.zero_sum if self.total is None else self.total
        x = self.total_gradient(oracle, point) if total else point.v[0]
        found = [self.rule.direction(i, w[i], g, s) for i, (g, s) in enumerate(zip((x, point.v[1]), state.rules, strict=True))]
        moves = [-cast(pick(self.step_size, i), d) * d for i, (d, _) in enumerate(found)]
        moves[1] = moves[1] - self.inverse(oracle, point, point.block(1, 0, moves[0]))
        last = tuple(m + cast(pick(self.momentum, i), m) * b for i, (m, b) in enumerate(zip(moves, state.last, strict=True)))
        return tuple(a + b for a, b in zip(w, last, strict=True)), RidgeState(tuple(s for _, s in found), last)

    def inverse(self, oracle: Oracle, point: Point, b: Tensor) -> Tensor:
        """(g_yy² + δI)⁻¹ g_yy b: one product an iteration."""

        def hessian(u: Tensor) -> Tensor:
            return point.block(1, 1, u)

        def product(u: Tensor) -> Tensor:
            return hessian(hessian(u)) + cast(self.damping, u) * u

        enough = min(self.iterations, b.shape[-1] + 2)  # and room for rounding
        solver = partial(solvers.conjugate_gradient, iterations=enough, tolerance=self.tolerance)
        return solvers.solve(product, product, hessian(b), solver, oracle.differentiable)
