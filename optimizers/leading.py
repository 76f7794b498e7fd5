"""What methods of a leader (player 0) and a follower (player 1) share: who may play, and solves with the follower's Hessian."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from saddlebench.optimizers import solvers
from saddlebench.optimizers.optimizer import GameFacts, Oracle, Point
from saddlebench.optimizers.scheme import Scheme
from saddlebench.parameters import Count, NonNegativeScalar, Tolerance, cast


@dataclass(frozen=True)
class Leading(Scheme):
    """A scheme of two players that are not each other's like, in Euclidean geometry."""

    def applies_to(self, game: GameFacts) -> str | None:
        """Two unconstrained players."""
        if len(game.players) != 2:
            return f"{self.name} has one leader and one follower, and this game has {len(game.players)} players"
        if self.rule.geometry != "euclidean":
            return f"{self.name} moves in Euclidean geometry, and its rule is {self.rule.geometry}"
        return super().applies_to(game)


@dataclass(frozen=True)
class BestReply(Leading):
    """A leader that counts on the follower's best reply y*(x), whose slope is −g_yy⁻¹ g_yx.

    The inverse takes g_yy + δI, by GMRES. Without damping δ the method is not defined where g_yy is singular: games that know
    theirs to be say so (``follower_curvature``), and are refused.
    """

    damping: NonNegativeScalar = 0.0  # δ
    iterations: Count = 20  # of the linear solver, a fixed number (fewer in small games)
    tolerance: Tolerance = 1e-12  # relative residual at which a run's solve stops

    def applies_to(self, game: GameFacts) -> str | None:
        """A follower with an invertible Hessian, or damping."""
        reason = super().applies_to(game)
        if reason or game.follower_curvature or isinstance(self.damping, Tensor) or self.damping > 0:
            return reason
        return f"{self.name} inverts the follower's Hessian, which is singular in this game: it takes a damping > 0"

    def inverse(self, oracle: Oracle, point: Point, b: Tensor, damping: Any) -> Tensor:
        """(g_yy + δI)⁻¹ b for a damping δ, a number or ``(runs, 1)``: half a product an iteration."""

        def product(u: Tensor) -> Tensor:
            return point.block(1, 1, u) + cast(damping, u) * u

        solver = partial(solvers.gmres, iterations=self.iterations, tolerance=self.tolerance)
        return solvers.solve(product, product, b, solver, oracle.differentiable)

    def total_gradient(self, oracle: Oracle, point: Point, damping: Any) -> Tensor:
        """D_x f = f_x − g_xy g_yy⁻¹ f_y, the derivative of f(x, y*(x))."""
        return point.v[0] - point.block(1, 0, self.inverse(oracle, point, point.partial(0, 1), damping), transpose=True)
