"""Nesterov's accelerated gradient, simultaneous."""

from dataclasses import dataclass

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import nesterov
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Momentum, Positive


@dataclass(frozen=True)
class Nesterov(Composed):
    """u = w + β (w − w₋), w⁺ = u − η v(u), all players at once; the profile is u (`rules.nesterov`).

    Nesterov 1983. On a bilinear game it converges for no β.
    """

    name = "nesterov"
    paper = "Nesterov 1983"
    cost = "1 gradient"

    step_size: Positive = 0.1  # η
    momentum: Momentum = 0.9  # β

    def parts(self) -> Optimizer:
        """The combination."""
        return SimultaneousGradient(self.step_size, nesterov.Nesterov(self.momentum))
