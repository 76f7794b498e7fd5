"""What rules over another rule share."""

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.traits import TraitsOfCore


@dataclass(frozen=True)
class Over(TraitsOfCore, Rule):
    """A rule that changes the direction of an inner rule and forwards everything else to it."""

    rule: Rule = Gradient()  # the inner rule

    @property
    def core(self) -> Rule:
        """The inner rule."""
        return self.rule

    @property
    def geometry(self) -> Literal["euclidean", "entropic"]:
        """That of the inner rule."""
        return self.rule.geometry

    def init(self, i: int, w: Tensor) -> Any:
        """The inner rule's state."""
        return self.rule.init(i, w)

    def move(self, w: Tensor, step_size: Any, direction: Tensor, project: Any) -> Tensor:
        """The inner rule's geometry."""
        return self.rule.move(w, step_size, direction, project)
