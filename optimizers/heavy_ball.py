"""Heavy ball, simultaneous."""

from dataclasses import dataclass

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import momentum
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Momentum, Positive


@dataclass(frozen=True)
class HeavyBall(Composed):
    """w⁺ = w − η v(w) + β (w − w₋), all players at once; β < 0 is negative momentum.

    Polyak 1964; Gidel et al., AISTATS 2019: on a bilinear game it converges for no β.
    """

    name = "heavy-ball"
    paper = "Polyak 1964; Gidel et al. 2019"
    cost = "1 gradient"

    step_size: Positive = 0.1  # η
    momentum: Momentum = -0.5  # β, of any sign

    def parts(self) -> Optimizer:
        """The combination."""
        return SimultaneousGradient(self.step_size, momentum.Momentum(self.momentum))
