"""Gradient descent-Newton: the follower takes Newton steps."""

from dataclasses import dataclass

from torch import Tensor

from saddlebench.optimizers.leading import BestReply
from saddlebench.optimizers.optimizer import Oracle, Profile, State


@dataclass(frozen=True)
class GradientDescentNewton(BestReply):
    """x⁺ = x − η f_x(x, y), then y⁺ = y − g_yy⁻¹ g_y at (x⁺, y) (GDN).

    Zhang, Wu, Poupart, Yu 2020. Player 0 leads; the step size and the rule are its own. The follower asks at a fresh sample. On a
    box both are clipped to it.
    """

    name = "gradient-descent-newton"
    paper = "Zhang et al. 2020"
    cost = "1½ gradients + ½ product an iteration"

    def init(self, oracle: Oracle, w: Profile) -> State:
        """The leader's rule alone has a state."""
        return self.rule.init(0, w[0])

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """The leader's move, then the follower's Newton step."""
        x, state = self.move(oracle, 0, w[0], oracle.gradient(0, w), state)
        return (x, self.newton(oracle, (x, w[1]))), state

    def newton(self, oracle: Oracle, w: Profile) -> Tensor:
        """P[y − g_yy⁻¹ g_y], once the leader has moved."""
        oracle = oracle.fresh(committed=w)
        point = oracle.at(w)
        return oracle.project(1, w[1] - self.inverse(oracle, point, point.v[1], self.damping))
