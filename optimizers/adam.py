"""Adam, simultaneous."""

from dataclasses import dataclass
from typing import ClassVar

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import adam
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Betas, NonNegative, Positive


@dataclass(frozen=True)
class Adam(Composed):
    """w⁺ = w − η (m⁺/(1−β₁ᵗ)) / (√(s⁺/(1−β₂ᵗ)) + ε), all players at once.

    Kingma & Ba, ICLR 2015, with its defaults. ``alternating-gradient`` with ``rule="adam"`` is its alternating form.
    """

    name = "adam"
    paper = "Kingma & Ba 2015"
    cost = "1 gradient"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    step_size: Positive = 1e-3  # η
    betas: Betas = (0.9, 0.999)  # β₁, β₂
    epsilon: NonNegative = 1e-8  # ε

    def parts(self) -> Optimizer:
        """The combination."""
        return SimultaneousGradient(self.step_size, adam.Adam(self.betas, self.epsilon))
