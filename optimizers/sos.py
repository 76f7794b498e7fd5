"""Stable opponent shaping."""

from dataclasses import dataclass
from typing import ClassVar

from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.adjustments.shaping import Shaping
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.search import Space, Uniform
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Positive, PositiveScalar, Share


@dataclass(frozen=True)
class StableOpponentShaping(Composed):
    """w⁺ = w − η (ξ₀ − p χ), ξ₀ = (I − H_o A)v and χ as in ``lola``: between LookAhead (p = 0) and LOLA (p = 1) (SOS).

    Letcher et al., ICLR 2019: p = min(p₁, p₂), p₁ = 1 where ⟨−χ, ξ₀⟩ ≥ 0 and else min(1, −a‖ξ₀‖²/⟨−χ, ξ₀⟩), p₂ = ‖v‖² where ‖v‖ < b
    and else 1; a = 0.5 and b = 0.1 are the authors'.
    """

    name = "sos"
    paper = "Letcher et al. 2019"
    cost = "1 gradient + n products (general-sum: n−1 more gradients)"
    search: ClassVar[Space] = {"alignment": Uniform(0.05, 0.95), "radius": Uniform(0.05, 0.95)}

    step_size: Positive = 0.1  # η
    gamma: Positive | None = None  # α, the step that each player is expected to take; None: α = η
    p: Share | None = None  # p, fixed; None: adaptive
    alignment: PositiveScalar = 0.5  # a
    radius: PositiveScalar = 0.1  # b
    rule: Rule = Gradient()  # what makes a direction of the adjusted field

    def parts(self) -> Optimizer:
        """The combination."""
        expected = self.step_size if self.gamma is None else self.gamma
        return Adjusted(Shaping(expected, self.p, self.alignment, self.radius), SimultaneousGradient(self.step_size, self.rule))
