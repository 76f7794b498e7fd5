"""Anchored simultaneous gradient (SimGD-A)."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from saddlebench.optimizers.anchored import Anchored, AnchoredState
from saddlebench.optimizers.optimizer import Oracle, Profile
from saddlebench.optimizers.search import LogUniform, Space
from saddlebench.parameters import NonNegative, Positive, cast, pick


@dataclass(frozen=True)
class AnchoredGradient(Anchored):
    """w⁺ = w − η (1−p)/(k+1)ᵖ v(w) + γ (1−p)/(k+1) (w₀ − w), k = 0, 1, …, ½ < p < 1.

    Ryu, Yuan, Yin 2019: one gradient a step, a vanishing step size, and an anchor that vanishes faster; converges on monotone
    games where the plain method circles away. The defaults are ours.
    """

    name = "anchored-gradient"
    paper = "Ryu, Yuan, Yin 2019"
    cost = "1 gradient"
    search: ClassVar[Space] = {"step_size": LogUniform(1e-3, 10)}  # fades with the steps

    step_size: Positive = 1.0  # η
    gamma: NonNegative = 2.0  # γ
    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.6  # p

    def step(self, oracle: Oracle, w: Profile, state: AnchoredState) -> tuple[Profile, Any]:
        """The move from w, and the pull at w."""
        k = state.steps.double() + 1
        shrink = (1 - self.power) / k**self.power
        moved, rules = self.move_all(
            oracle, w, oracle.field(w), state.rules, tuple(pick(self.step_size, i) * shrink for i in range(len(w)))
        )
        pull = (1 - self.power) / k
        towards = zip(moved, w, state.anchor, strict=True)
        after = tuple(oracle.project(i, m + cast(pick(self.gamma, i) * pull, x) * (a - x)) for i, (m, x, a) in enumerate(towards))
        return after, AnchoredState(rules, state.anchor, state.steps + 1)
