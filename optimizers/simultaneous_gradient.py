"""Simultaneous play: all players answer the same profile."""

from dataclasses import dataclass

from saddlebench.optimizers.optimizer import Oracle, Profile, State
from saddlebench.optimizers.scheme import Scheme


@dataclass(frozen=True)
class SimultaneousGradient(Scheme):
    """w⁺ = w − η d(v(w)): simultaneous gradient descent (gradient descent-ascent, naive learning) under the plain rule."""

    name = "simultaneous-gradient"
    paper = "classic"
    cost = "1 gradient"

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """One field, every player moves."""
        return self.move_all(oracle, w, oracle.field(w), state)
