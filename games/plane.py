"""What zero-sum games of two numbers share."""

from abc import abstractmethod
from typing import Any

from torch import Tensor

from saddlebench.games.game import Game, Profile


class PlaneGame(Game):
    """f(x, y) with x minimising and y maximising, one number each."""

    @property
    def players(self) -> tuple[str, ...]:
        """x minimises f, y maximises it."""
        return ("x", "y")

    @property
    def sizes(self) -> tuple[int, ...]:
        """One number each."""
        return (1, 1)

    @property
    def zero_sum(self) -> bool:
        """Yes."""
        return True

    @abstractmethod
    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """f, ``(runs,)``."""

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(f, −f)."""
        x, y = profile
        value = self.value(x.squeeze(-1), y.squeeze(-1))
        return value, -value
