"""Multiplicative weights."""

from dataclasses import dataclass

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.entropic import Entropic
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Positive


@dataclass(frozen=True)
class MultiplicativeWeights(Composed):
    """x_k⁺ ∝ x_k exp(−η g_k) on the simplex (Hedge, exponentiated gradient, mirror descent with the entropy).

    Freund & Schapire 1997. In a zero-sum game with an interior equilibrium the last iterate spirals out, the average converges.
    """

    name = "multiplicative-weights"
    paper = "Freund & Schapire 1997; Bailey & Piliouras 2018"
    cost = "1 gradient"

    step_size: Positive = 0.1  # η

    def parts(self) -> Optimizer:
        """The combination."""
        return SimultaneousGradient(self.step_size, Entropic())
