"""The contract of a rule: how one player's gradient becomes a direction, and how the player moves along it.

A rule knows one player and no oracle. Schemes call `direction` with the gradient and `move` with the step size, so that one rule
serves simultaneous, alternating and extrapolating play, and a rule over a rule (optimism) works on directions of any kind.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from saddlebench.optimizers.search import Space
from saddlebench.optimizers.traits import Traits
from saddlebench.parameters import cast


class Rule(Traits, ABC):
    """Base of all rules: a frozen dataclass of hyperparameters, in the catalogue `RULES` by its ``name``.

    `search` is as for optimizers; a range for ``step_size`` there is one for those who use the rule.
    """

    name = ""
    paper = ""
    cost = ""
    search: ClassVar[Space] = {}

    @property
    def geometry(self) -> Literal["euclidean", "entropic"]:
        """How `move` moves; the entropic geometry is that of the simplex alone."""
        return "euclidean"

    def init(self, i: int, w: Tensor) -> Any:
        """Player i's state before the first step, from its strategy ``(runs, size)``."""
        return ()

    @abstractmethod
    def direction(self, i: int, w: Tensor, gradient: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The direction ``(runs, size)`` to move against, and the next state."""

    def move(self, w: Tensor, step_size: Any, direction: Tensor, project: Callable[[Tensor], Tensor]) -> Tensor:
        """The strategy after the step: Euclidean geometry, P[w − η d]."""
        step = cast(step_size, w)
        return project(torch.sub(w, direction, alpha=step) if isinstance(step, float | int) else w - step * direction)


def root(square: Tensor) -> Tensor:
    """√s, with derivative 0 where s is exactly 0.

    There every gradient has been exactly zero (a dead unit's weight), so nothing moves s away from 0; the derivative of √ itself is
    infinite and would turn the whole Jacobian of the step into NaN.
    """
    if not square.requires_grad:
        return square.sqrt()
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)
