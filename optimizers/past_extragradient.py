"""Past extragradient: extrapolate with the gradient of the last extrapolated point."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch

from saddlebench.optimizers.optimizer import Oracle, Profile, State
from saddlebench.optimizers.scheme import Scheme


class PastState(NamedTuple):
    """The rules' states and the gradients at the last extrapolated profile."""

    rules: Any
    past: Profile


@dataclass(frozen=True)
class PastExtragradient(Scheme):
    """w½ = P[w − η d(v₋)], w⁺ = P[w − η d(v(w½))], v₋⁺ = v(w½): one gradient a step (extrapolation from the past).

    Popov 1980; Gidel et al., ICLR 2019, Algorithm 2. Before the first step v₋ is 0, or v(w₀) with ``start="gradient"``.
    """

    name = "past-extragradient"
    paper = "Popov 1980; Gidel et al. 2019"
    cost = "1 gradient"
    projects = True

    start: Literal["zero", "gradient"] = "zero"  # v₋ before the first step

    def init(self, oracle: Oracle, w: Profile) -> PastState:
        """No past, or the field at the start."""
        past = oracle.field(w) if self.start == "gradient" else tuple(torch.zeros_like(x) for x in w)
        return PastState(super().init(oracle, w), past)

    def step(self, oracle: Oracle, w: Profile, state: PastState) -> tuple[Profile, State]:
        """Extrapolate with the past, ask, move from w."""
        half, rules = self.move_all(oracle, w, state.past, state.rules)
        field = oracle.field(half)
        w, rules = self.move_all(oracle, w, field, rules)
        return w, PastState(rules, field)
