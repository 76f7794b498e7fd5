"""Optimistic gradient."""

from dataclasses import dataclass
from typing import Literal

from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.optimistic import Optimistic
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import NonNegative, Positive


@dataclass(frozen=True)
class OptimisticGradient(Composed):
    """w⁺ = w − η[(1+κ) v(w) − κ v(w₋)] (OGDA, optimistic mirror descent without constraints).

    Popov 1980; Daskalakis et al., ICLR 2018. κ = 1 is the published method. The start is a convention (`rules.optimistic`).
    """

    name = "optimistic-gradient"
    paper = "Popov 1980; Daskalakis et al. 2018"
    cost = "1 gradient"

    step_size: Positive = 0.1  # η
    optimism: NonNegative = 1.0  # κ
    start: Literal["zero", "gradient"] = "zero"  # v₋ before the first step
    rule: Rule = Gradient()  # what optimism extrapolates: the rule's direction

    def parts(self) -> Optimizer:
        """The combination."""
        return SimultaneousGradient(self.step_size, Optimistic(self.rule, self.optimism, self.start))
