"""Gradient descent with the generator on the discriminator's gradient norm."""

from dataclasses import dataclass

from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.adjustments.gradient_norm import GradientNorm
from saddlebench.optimizers.alternating_gradient import AlternatingGradient
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import NonNegative, Positive


@dataclass(frozen=True)
class GradientNormRegularized(Composed):
    """x⁺ = x − η_x ∇ₓ(f + λ‖g_y‖²), y⁺ = y − η_y g_y: the generator x alone is regularised.

    Nagarajan & Kolter, NIPS 2017, without a ½ before the norm, λ = 0.5. The authors play it ``alternating`` (y answers x⁺ at a
    fresh sample) under Adam with η = 1e-4 and β₁ = 0.5; the defaults are the simultaneous method of their theory.
    """

    name = "gradient-norm-regularized"
    paper = "Nagarajan & Kolter 2017"
    cost = "1 gradient + ½ product (alternating: once a player)"

    step_size: Positive = 0.1  # η
    gamma: NonNegative = 0.5  # λ
    rule: Rule = Gradient()  # what makes a direction of the adjusted field
    alternating: bool = False  # does y answer x⁺?

    def parts(self) -> Optimizer:
        """The combination."""
        scheme = AlternatingGradient if self.alternating else SimultaneousGradient
        return Adjusted(GradientNorm(self.gamma), scheme(self.step_size, self.rule))
