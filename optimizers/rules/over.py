"""What rules over another rule share."""

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from saddlebench.optimizers.rules.gradient import Gradient
from saddlebench.optimizers.rules.rule import Rule


@dataclass(frozen=True)
class Over(Rule):
    """A rule that changes the direction of an inner rule and forwards everything else to it."""

    rule: Rule = Gradient()  # the inner rule

    @property
    def autonomous(self) -> bool:
        """That of the inner rule."""
        return self.rule.autonomous

    @property
    def smooth(self) -> bool:
        """That of the inner rule."""
        return self.rule.smooth

    @property
    def singular_at_rest(self) -> str:
        """That of the inner rule."""
        return self.rule.singular_at_rest

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
