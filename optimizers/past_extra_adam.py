"""ExtraAdam with extrapolation from the past."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.past_extragradient import PastExtragradient
from saddlebench.optimizers.rules import adam
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.parameters import Betas, NonNegative, Positive


@dataclass(frozen=True)
class PastExtraAdam(Composed):
    """w½ = w − η Adam(v₋), w⁺ = w − η Adam(v(w½)), v₋⁺ = v(w½): past extragradient over Adam.

    Gidel et al., ICLR 2019. Moments and counter advance on both half-steps. Their WGAN-GP's step size is 1e-4 for both networks.
    """

    name = "past-extra-adam"
    paper = "Gidel et al. 2019"
    cost = "1 gradient"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    step_size: Positive = 1e-4  # η
    betas: Betas = (0.5, 0.9)  # β₁, β₂
    epsilon: NonNegative = 1e-8  # ε
    start: Literal["zero", "gradient"] = "zero"  # v₋ before the first step

    def parts(self) -> Optimizer:
        """The combination."""
        return PastExtragradient(self.step_size, adam.Adam(self.betas, self.epsilon), self.start)
