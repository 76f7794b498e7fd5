"""Entropic geometry on the simplex."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from saddlebench.optimizers.rules.rule import Rule
from saddlebench.parameters import cast


@dataclass(frozen=True)
class Entropic(Rule):
    """d = g, moved along by w_k⁺ ∝ w_k exp(−η d_k): mirror descent with the entropy, which never leaves the simplex.

    Littlestone & Warmuth 1994; Freund & Schapire 1997.
    """

    name = "entropic"
    paper = "Freund & Schapire 1997"

    @property
    def geometry(self) -> Literal["euclidean", "entropic"]:
        """Entropic."""
        return "entropic"

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The gradient itself."""
        return gradient, state

    def move(self, w: Tensor, step_size: Any, direction: Tensor, project: Callable[[Tensor], Tensor]) -> Tensor:
        """The multiplicative update, through logarithms so that it cannot overflow."""
        return (w.log() - cast(step_size, w) * direction).softmax(-1)
