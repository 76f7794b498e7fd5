"""Follow the ridge: the follower stays on its ridge while the leader moves."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.optimizers import solvers
from saddlebench.optimizers.leading import BestReply
from saddlebench.optimizers.optimizer import Oracle, Point, Profile
from saddlebench.parameters import Momentum, cast, pick

_LEAST_DAMPING = 1e-8
_NOTHING = 1e-16  # added to squares that are divided by


class RidgeState(NamedTuple):
    """The rules' states, the last displacement w − w₋, and the damping δ ``(runs, 1)``."""

    rules: Any
    last: Profile
    damping: Tensor
    passive = ("damping",)  # constant where the step has a spectrum


@dataclass(frozen=True)
class FollowTheRidge(BestReply):
    """x⁺ = x − η_x d_x + β(x − x₋), y⁺ = y − η_y d_y + η_x g_yy⁻¹ g_yx d_x + β(y − y₋), d = rule(f_x or D_x f, g_y) (FR).

    Wang, Zhang, Ba, ICLR 2020. In zero-sum games d_x is made of f_x, in general-sum games of D_x f = f_x − g_xy g_yy⁻¹ f_y
    (``total``). A preconditioner is a ``rule``; that of the authors' GANs, RMSProp with a = 0.999 and a bias correction, is
    Adam with betas=[0, 0.999], at η = 2e-4. ``rule="momentum"`` is their momentum, which keeps the correction out of y's velocity.
    g_yy⁻¹ b ≈ s = (g_yy² + δI)⁻¹ g_yy b by conjugate gradients, b = g_yx (x − x⁺).

    ``adaptive``, as their GANs play it (with damping=1, iterations=5): δ doubles, and this step's s is 0, where s makes the
    change of g_y along the move larger than b; δ grows by 1.1 where it undoes less than half of what the linear model says, falls
    by 0.9 where it undoes 95 %, and stays between 1e-8 and its start. What s undoes is 1 − ‖r‖²/‖b‖², with r = g_yy s − b in
    the model and r = g_y(x⁺, y − s) − g_y(x, y) in truth. (Theirs takes b from a difference of gradients, too.)
    """

    name = "follow-the-ridge"
    paper = "Wang et al. 2020"
    cost = (
        "1 gradient + 1 product + 1 product an iteration (general-sum: 1 more gradient, twice the products; adaptive: ½ and ½ more)"
    )

    momentum: Momentum = 0.0  # β, of the whole displacement
    total: bool | None = None  # does the leader descend the total derivative D_x f? None: where the game is not zero-sum
    adaptive: bool = False  # adapt the damping, which is where it starts and its most

    def __post_init__(self) -> None:
        if self.adaptive and self.damping == 0:
            raise InputError(f"{self.name}: adaptive multiplies the damping, so that needs a start > 0 (the paper's is damping=1)")

    @property
    def smooth(self) -> bool:
        """Not with an adaptive damping, which jumps."""
        return super().smooth and not self.adaptive

    def init(self, oracle: Oracle, w: Profile) -> RidgeState:
        """At rest."""
        damping = cast(self.damping, w[0]) * torch.ones_like(w[0][:, :1])
        return RidgeState(super().init(oracle, w), tuple(torch.zeros_like(x) for x in w), damping)

    def step(self, oracle: Oracle, w: Profile, state: RidgeState) -> tuple[Profile, RidgeState]:
        """Both players' moves, and the follower's correction for the leader's."""
        point = oracle.at(w)
        total = not oracle.zero_sum if self.total is None else self.total
        x = self.total_gradient(oracle, point, state.damping) if total else point.v[0]
        found = [self.rule.direction(i, w[i], g, s) for i, (g, s) in enumerate(zip((x, point.v[1]), state.rules, strict=True))]
        moves = [-cast(pick(self.step_size, i), d) * d for i, (d, _) in enumerate(found)]
        bend = -point.block(1, 0, moves[0])
        correction, damping = self.inverse(oracle, point, bend, state.damping), state.damping
        if self.adaptive:
            ahead = (w[0] + moves[0], w[1] + correction)
            undone = 1 - _share(point.block(1, 1, correction) - bend, bend)
            truly = 1 - _share(oracle.gradient(1, ahead) - point.v[1], bend)
            correction, damping = self.adapted(correction, damping, undone, truly)
        moves[1] = moves[1] + correction
        last = tuple(m + cast(pick(self.momentum, i), m) * b for i, (m, b) in enumerate(zip(moves, state.last, strict=True)))
        moved = tuple(oracle.project(i, a + b) for i, (a, b) in enumerate(zip(w, last, strict=True)))
        return moved, RidgeState(tuple(s for _, s in found), last, damping)

    def adapted(self, correction: Tensor, damping: Tensor, undone: Tensor, truly: Tensor) -> tuple[Tensor, Tensor]:
        """The correction, or none, and the next damping, from what the correction undoes in the model and in truth."""
        ratio = truly / (undone + _NOTHING)
        worse = (truly < 0) | (ratio < 0)
        grown = torch.where(ratio < 0.5, 1.1 * damping, torch.where(ratio > 0.95, 0.9 * damping, damping))
        next_damping = torch.where(worse, 2 * damping, grown).clamp_min(_LEAST_DAMPING)
        most = cast(self.damping, damping) * torch.ones_like(damping)
        return torch.where(worse, 0.0, correction), torch.minimum(next_damping, most)

    def inverse(self, oracle: Oracle, point: Point, b: Tensor, damping: Tensor) -> Tensor:
        """(g_yy² + δI)⁻¹ g_yy b: one product an iteration."""

        def hessian(u: Tensor) -> Tensor:
            return point.block(1, 1, u)

        def product(u: Tensor) -> Tensor:
            return hessian(hessian(u)) + damping * u

        enough = min(self.iterations, b.shape[-1] + 2)  # and room for rounding
        solver = partial(solvers.conjugate_gradient, iterations=enough, tolerance=self.tolerance)
        return solvers.solve(product, product, hessian(b), solver, oracle.differentiable)


def _share(rest: Tensor, whole: Tensor) -> Tensor:
    """‖rest‖²/‖whole‖²."""
    return rest.square().sum(-1, keepdim=True) / (whole.square().sum(-1, keepdim=True) + _NOTHING)
