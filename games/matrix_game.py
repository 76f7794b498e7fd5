"""Matrix games, given or drawn."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.game import Profile
from saddlebench.games.linear import as_matrix
from saddlebench.games.payoffs import PayoffGame
from saddlebench.parameters import Count, Matrix


@dataclass(frozen=True)
class MatrixGame(PayoffGame):
    """Row x minimises xᵀMy, column y maximises it, M = −payoff: a payoff that is given, or standard normal, drawn by seed.

    The equilibrium is found by linear programming; where it is not unique, none is named and the distance is that to the nearest
    one. Logits (``form="softmax"``) reach it only where every action is played.
    """

    name = "matrix-game"
    paper = "von Neumann 1928"

    payoff: Matrix | None = None  # what the row player wins; None: drawn by seed
    shape: tuple[Count, Count] = (5, 5)  # rows and columns of a payoff drawn by seed
    form: Literal["simplex", "softmax"] = "simplex"  # probabilities, or logits

    @property
    def actions(self) -> tuple[int, int]:
        """The payoff's shape."""
        return self.shape if self.payoff is None else tuple(as_matrix(self.payoff, "payoff").shape)  # pyright: ignore[reportReturnType] - two

    @property
    def seeded(self) -> bool:
        """Where the payoff is drawn."""
        return self.payoff is None

    def buffers(self, profile: Profile, seeds: Tensor) -> tuple[Tensor, ...]:
        """The payoff of each run."""
        return (self.payoff_matrices(seeds).expand(len(seeds), -1, -1).to(profile[0]),)

    def payoff_matrix(self, buffers: Any) -> Tensor:
        """From the buffers."""
        return buffers[0]

    def payoff_matrices(self, seeds: Tensor) -> Tensor:
        """Given or drawn."""
        if self.payoff is not None:
            return torch.tensor(self.payoff, dtype=torch.float64, device=seeds.device)[None]
        rows, columns = self.shape
        return normal(seeds, "payoff", rows * columns).view(-1, rows, columns)
