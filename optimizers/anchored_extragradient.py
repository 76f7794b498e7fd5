"""Extra anchored gradient with a constant step size (EAG-C)."""

from dataclasses import dataclass
from typing import Any

import torch

from saddlebench.optimizers.anchored import Anchored, AnchoredState
from saddlebench.optimizers.optimizer import Oracle, Profile
from saddlebench.parameters import Positive


@dataclass(frozen=True)
class AnchoredExtragradient(Anchored):
    """w½ = u − α v(w), w⁺ = u − α v(w½), u = w + (w₀ − w)/(k+2), k = 0, 1, … (EAG-C; both half-steps leave from one u).

    Yoon & Ryu, ICML 2021, Algorithm EAG-C: α ≤ 1/(8L) gives ‖v(w_k)‖² ≤ 260 L²‖w₀ − w*‖²/(k+1)², the best order there is for
    the last iterate. The default α suits L = 1.
    """

    name = "anchored-extragradient"
    paper = "Yoon & Ryu 2021"
    cost = "2 gradients"

    step_size: Positive = 0.125  # α
    fresh_sample: bool = True  # a minibatch of its own for the second half-step

    def step(self, oracle: Oracle, w: Profile, state: Any) -> tuple[Profile, Any]:
        """Pull towards the anchor, extrapolate from there, ask again, move from there."""
        w, rules = self.anchored(oracle, w, state, self.step_size)
        return w, AnchoredState(rules, state.anchor, state.steps + 1)

    def anchored(self, oracle: Oracle, w: Profile, state: Any, step_size: Any) -> tuple[Profile, Any]:
        """The step with α = ``step_size``."""
        pull = 1 / (state.steps.double() + 2)
        base = tuple(torch.lerp(x, a, pull.to(x)) for x, a in zip(w, state.anchor, strict=True))
        half, rules = self.move_all(oracle, base, oracle.field(w), state.rules, step_size)
        ahead = oracle.fresh() if self.fresh_sample else oracle
        return self.move_all(oracle, base, ahead.field(half), rules, step_size)
