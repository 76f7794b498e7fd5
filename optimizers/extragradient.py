"""Extragradient: look one step ahead, then step from where one stood."""

from dataclasses import dataclass

from saddlebench.optimizers.optimizer import Oracle, Profile, State
from saddlebench.optimizers.scheme import Scheme
from saddlebench.parameters import Positive


@dataclass(frozen=True)
class Extragradient(Scheme):
    """w½ = P[w − γ d(v(w))], w⁺ = P[w − η d(v(w½))].

    Korpelevich 1976; stochastic form with an independent minibatch for each half-step: Gidel et al., ICLR 2019, Algorithms 1
    and 4. The rule's state advances on both half-steps (ExtraAdam, their Algorithm 4).
    """

    name = "extragradient"
    paper = "Korpelevich 1976; Gidel et al. 2019"
    cost = "2 gradients"
    projects = True

    extrapolation_step: Positive | None = None  # γ; None: γ = η
    fresh_sample: bool = True  # a minibatch of its own for the second half-step

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """Extrapolate, ask again, move from w."""
        half, state = self.move_all(oracle, w, oracle.field(w), state, self.extrapolation_step)
        ahead = oracle.fresh() if self.fresh_sample else oracle
        return self.move_all(oracle, w, ahead.field(half), state)
