"""Unrolling: the leader looks ahead through the follower's next steps."""

from dataclasses import dataclass

from saddlebench.optimizers.leading import Leading
from saddlebench.optimizers.optimizer import Oracle, Profile, State
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.parameters import Count, Positive, pick


@dataclass(frozen=True)
class Unrolled(Leading):
    """x⁺ = x − η_x d/dx f(x, y^K(x, y)), y⁺ = y − η_y g_y, where y^{k+1} = y^k − η_u d(g_y(x, y^k)) and y⁰ = y.

    Metz et al., ICLR 2017 (unrolled GANs; K = 5…10, inner Adam). The derivative goes through the K inner steps, which are
    forgotten: y takes one step, against x or, ``alternating``, against x⁺ at a fresh sample. The inner steps share the step's
    sample, and their rule starts anew each time.
    """

    name = "unrolled"
    paper = "Metz et al. 2017"
    cost = "1 + K/2 gradients + K/2 products"

    inner_steps: Count = 5  # K
    inner_step_size: Positive = 0.1  # η_u
    inner_rule: Rule = Gradient()  # the follower's in the inner steps
    alternating: bool = False  # does y answer x⁺?

    @property
    def smooth(self) -> bool:
        """Where both rules are."""
        return self.rule.smooth and self.inner_rule.smooth

    @property
    def singular_at_rest(self) -> str:
        """That of the rules."""
        return self.rule.singular_at_rest or self.inner_rule.singular_at_rest

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """The leader's total derivative, the follower's gradient."""
        total = oracle.through(0, self.ahead, w)
        if not self.alternating:
            return self.move_all(oracle, w, (total, oracle.gradient(1, w)), state)
        x, first = self.move(oracle, 0, w[0], total, state[0])
        oracle = oracle.fresh(committed=(x, w[1]))
        y, second = self.move(oracle, 1, w[1], oracle.gradient(1, (x, w[1])), state[1])
        return (x, y), (first, second)

    def ahead(self, oracle: Oracle, w: Profile) -> Profile:
        """(x, y^K)."""
        x, y = w
        inner = self.inner_rule.init(1, y)
        for _ in range(self.inner_steps):
            direction, inner = self.inner_rule.direction(1, y, oracle.gradient(1, (x, y)), inner)
            y = self.inner_rule.move(y, pick(self.inner_step_size, 1), direction, lambda z: oracle.project(1, z))
        return x, y
