"""AdamW."""

from dataclasses import dataclass
from typing import ClassVar

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import adam
from saddlebench.optimizers.rules.weight_decay import WeightDecay
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Betas, NonNegative, Positive


@dataclass(frozen=True)
class AdamW(Composed):
    """w⁺ = w − ηλ w − η Adam(v(w)): Adam with decoupled weight decay, all players at once.

    Loshchilov & Hutter, ICLR 2019; PyTorch's defaults.
    """

    name = "adam-w"
    paper = "Loshchilov & Hutter 2019"
    cost = "1 gradient"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    step_size: Positive = 1e-3  # η
    betas: Betas = (0.9, 0.999)  # β₁, β₂
    epsilon: NonNegative = 1e-8  # ε
    weight_decay: NonNegative = 0.01  # λ

    def parts(self) -> Optimizer:
        """The combination."""
        return SimultaneousGradient(self.step_size, WeightDecay(adam.Adam(self.betas, self.epsilon), self.weight_decay))
