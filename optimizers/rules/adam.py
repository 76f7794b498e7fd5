"""Adam."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.rules.rule import Rule, root
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.parameters import Betas, NonNegative, cast, pick, pick_pair


class AdamState(NamedTuple):
    """First and second moments, and β₁ᵗ, β₂ᵗ, carried because powers are slow to form."""

    mean: Tensor
    square: Tensor
    power1: Tensor
    power2: Tensor
    passive = ("power1", "power2")  # counters, not part of the step map


@dataclass(frozen=True)
class Adam(Rule):
    """m⁺ = β₁m + (1−β₁)g, s⁺ = β₂s + (1−β₂)g², d = m⁺/(1−β₁ᵗ) / (√(s⁺/(1−β₂ᵗ)) + ε).

    Kingma & Ba, ICLR 2015, Algorithm 1, with its defaults.
    """

    name = "adam"
    paper = "Kingma & Ba 2015"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    betas: Betas = (0.9, 0.999)  # β₁, β₂
    epsilon: NonNegative = 1e-8  # ε

    @property
    def autonomous(self) -> bool:
        """No: the bias correction depends on the step's number."""
        return False

    @property
    def singular_at_rest(self) -> str:
        """A root mean square of zero."""
        return "Adam divides by √s, which has no derivative at s = 0"

    def init(self, i: int, w: Tensor) -> AdamState:
        """Zero moments."""
        one = w.new_ones((w.shape[0], 1), dtype=torch.float64)
        return AdamState(torch.zeros_like(w), torch.zeros_like(w), one, one)

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: AdamState) -> tuple[Tensor, AdamState]:
        """The bias-corrected mean over the bias-corrected root mean square.

        A network's step is bound by memory, so passes over the gradient are few: d = m / ((1−β₁ᵗ)/√(1−β₂ᵗ)·√s + (1−β₁ᵗ)ε).
        """
        beta1, beta2 = pick_pair(self.betas, i)
        mean = torch.lerp(state.mean, gradient, cast(1 - beta1, gradient))
        square = torch.lerp(state.square, gradient * gradient, cast(1 - beta2, gradient))
        power1, power2 = state.power1 * beta1, state.power2 * beta2
        left1, left2 = 1 - power1, 1 - power2
        factor, shift = cast(left1 / left2.sqrt(), gradient), cast(left1 * pick(self.epsilon, i), gradient)
        return mean / torch.addcmul(shift, root(square), factor), AdamState(mean, square, power1, power2)
