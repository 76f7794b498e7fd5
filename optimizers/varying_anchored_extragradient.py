"""Extra anchored gradient with a varying step size (EAG-V)."""

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from torch import Tensor

from saddlebench.optimizers.anchored_extragradient import AnchoredExtragradient
from saddlebench.optimizers.optimizer import Oracle, Profile
from saddlebench.parameters import Positive, pick


class VaryingState(NamedTuple):
    """The rules' states, the start w₀, the number of steps since, and α_k L."""

    rules: Any
    anchor: Profile
    steps: Tensor
    reach: Tensor
    passive = ("reach",)


@dataclass(frozen=True)
class VaryingAnchoredExtragradient(AnchoredExtragradient):
    """w½ = u − α_k v(w), w⁺ = u − α_k v(w½), α_{k+1} = α_k (1 − r²/((k+1)(k+3)(1 − r²))), r = α_k L (EAG-V).

    u = w + (w₀ − w)/(k+2) as in ``anchored-extragradient``, and α_0 = ``step_size``. Yoon & Ryu, ICML 2021: α_0 L = 0.618 gives
    α_k → 0.437/L and ‖v(w_k)‖² ≤ 27 L²‖w₀ − w*‖²/((k+1)(k+2)). L enters only as α_0 L, so the default step size suits L = 1, and
    α_0 = 0.618/L any other.
    """

    name = "varying-anchored-extragradient"

    step_size: Positive = 0.618  # α_0
    reach: Annotated[float, Field(gt=0, lt=0.75)] = 0.618  # α_0 L

    def init(self, oracle: Oracle, w: Profile) -> Any:
        """Anchored at the start, with the longest step."""
        rules, anchor, steps = super().init(oracle, w)
        return VaryingState(rules, anchor, steps, 0 * steps.double() + self.reach)

    def step(self, oracle: Oracle, w: Profile, state: Any) -> tuple[Profile, Any]:
        """The step with α_k."""
        k, r = state.steps.double(), state.reach
        w, rules = self.anchored(oracle, w, state, tuple(pick(self.step_size, i) * (r / self.reach) for i in range(len(w))))
        reach = r * (1 - r**2 / ((k + 1) * (k + 3) * (1 - r**2)))
        return w, VaryingState(rules, state.anchor, state.steps + 1, reach)
