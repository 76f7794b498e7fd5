"""RMSProp, simultaneous."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import rmsprop
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Decay, NonNegative, Positive


@dataclass(frozen=True)
class RMSProp(Composed):
    """s⁺ = a s + (1−a) v², w⁺ = w − η v/(√s⁺ + ε), all players at once.

    Tieleman & Hinton 2012; PyTorch's defaults. TensorFlow 1's variant: `saddlebench.optimizers.rules.rmsprop`.
    """

    name = "rmsprop"
    paper = "Tieleman & Hinton 2012"
    cost = "1 gradient"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    step_size: Positive = 1e-2  # η
    smoothing: Decay = 0.99  # a
    epsilon: NonNegative = 1e-8  # ε
    epsilon_inside: bool = False  # √(s + ε) in place of √s + ε
    initial_square: Literal[0, 1] = 0  # s₀

    def parts(self) -> Optimizer:
        """The combination."""
        rule = rmsprop.RMSProp(self.smoothing, self.epsilon, self.epsilon_inside, self.initial_square)
        return SimultaneousGradient(self.step_size, rule)
