"""ExtraAdam."""

from dataclasses import dataclass
from typing import ClassVar

from saddlebench.optimizers.extragradient import Extragradient
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import adam
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.parameters import Betas, NonNegative, Positive


@dataclass(frozen=True)
class ExtraAdam(Composed):
    """w½ = w − η Adam(v(w)), w⁺ = w − η Adam(v(w½)): extragradient over Adam.

    Gidel et al., ICLR 2019, Algorithm 4: moments and counter advance on both half-steps. Their ResNet's step sizes are 5e-5 for
    the generator and 5e-4 for the discriminator.
    """

    name = "extra-adam"
    paper = "Gidel et al. 2019"
    cost = "2 gradients"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    step_size: Positive = 5e-4  # η
    betas: Betas = (0.5, 0.9)  # β₁, β₂
    epsilon: NonNegative = 1e-8  # ε
    extrapolation_step: Positive | None = None  # γ; None: γ = η
    fresh_sample: bool = True  # a minibatch of its own for the second half-step

    def parts(self) -> Optimizer:
        """The combination."""
        return Extragradient(self.step_size, adam.Adam(self.betas, self.epsilon), self.extrapolation_step, self.fresh_sample)
