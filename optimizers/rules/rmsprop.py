"""RMSProp."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from saddlebench.optimizers.rules.rule import Rule, root
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.parameters import Decay, NonNegative, cast, pick


@dataclass(frozen=True)
class RMSProp(Rule):
    """s⁺ = a s + (1−a) g², d = g/(√s⁺ + ε), or g/√(s⁺ + ε) with the constant inside the root.

    Tieleman & Hinton, Coursera lecture 6.5, 2012. Defaults are PyTorch's (a = 0.99, ε = 1e-8 outside the root, s₀ = 0);
    TensorFlow 1, with which consensus optimization and SGA were published, has a = 0.9, ε = 1e-10 inside the root, s₀ = 1.
    """

    name = "rmsprop"
    paper = "Tieleman & Hinton 2012"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    smoothing: Decay = 0.99  # a
    epsilon: NonNegative = 1e-8  # ε
    epsilon_inside: bool = False  # √(s + ε) in place of √s + ε
    initial_square: Literal[0, 1] = 0  # s₀

    @property
    def singular_at_rest(self) -> str:
        """A root mean square of zero."""
        return "RMSProp divides by √s, which has no derivative at s = 0"

    def init(self, i: int, w: Tensor) -> Tensor:
        """The mean square s₀."""
        return torch.full_like(w, self.initial_square)

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """The gradient over its root mean square."""
        a, epsilon = pick(self.smoothing, i), cast(pick(self.epsilon, i), gradient)
        square = cast(a, gradient) * state + cast(1 - a, gradient) * gradient**2
        scale = root(square + epsilon) if self.epsilon_inside else root(square) + epsilon
        return gradient / scale, square
