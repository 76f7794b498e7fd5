"""What the schemes share: a step size, a rule, and how all players move at once."""

from dataclasses import dataclass

from torch import Tensor

from saddlebench.optimizers.optimizer import Optimizer, Oracle, Profile, State
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.traits import TraitsOfCore
from saddlebench.parameters import Positive, pick


@dataclass(frozen=True)
class Scheme(TraitsOfCore, Optimizer):
    """An optimizer that asks the oracle for gradients and applies one rule a player."""

    projects = False  # does the method's definition project on the domain?

    step_size: Positive = 0.1  # η
    rule: Rule = Gradient()  # what makes a direction of a gradient

    @property
    def domains(self) -> tuple[str, ...]:
        """Entropic geometry lives on the simplex.

        Every Euclidean move ends with a projection. On a box that is clipping, as practised with any method (WGAN); on a simplex it
        makes another method, which says so.
        """
        if self.rule.geometry == "entropic":
            return ("simplex",)
        return ("unconstrained", "simplex", "box") if self.projects else ("unconstrained", "box")

    @property
    def core(self) -> Rule:
        """The rule."""
        return self.rule

    def init(self, oracle: Oracle, w: Profile) -> State:
        """A rule state a player."""
        return tuple(self.rule.init(i, x) for i, x in enumerate(w))

    def move(
        self, oracle: Oracle, i: int, w: Tensor, gradient: Tensor, state: State, step_size: Positive | None = None
    ) -> tuple[Tensor, State]:
        """Player i's strategy after a move from ``w`` along the rule's direction, and the rule's next state."""
        direction, state = self.rule.direction(i, w, gradient, state)
        eta = pick(self.step_size if step_size is None else step_size, i)
        return self.rule.move(w, eta, direction, lambda x: oracle.project(i, x)), state

    def move_all(
        self, oracle: Oracle, w: Profile, field: Profile, state: State, step_size: Positive | None = None
    ) -> tuple[Profile, State]:
        """Every player's move from ``w`` along the rule's direction for its part of ``field``."""
        moved = [self.move(oracle, i, w[i], field[i], state[i], step_size) for i in range(len(w))]
        return tuple(x for x, _ in moved), tuple(s for _, s in moved)
