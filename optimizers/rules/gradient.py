"""The plain gradient."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from saddlebench.optimizers.rules.rule import Rule


@dataclass(frozen=True)
class Gradient(Rule):
    """d = g."""

    name = "gradient"

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The gradient itself."""
        return gradient, state
