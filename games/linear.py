"""What games with a linear field share: v(w) = J w + r, two players, J constant."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.game import Game, Profile


class LinearGame(Game):
    """A two-player game whose losses are quadratic: blocks J_ij and offsets r_i give field, products and start in closed form."""

    @property
    def players(self) -> tuple[str, ...]:
        """x minimises f, y maximises it."""
        return ("x", "y")

    @property
    def zero_sum(self) -> bool:
        """Yes: g = −f."""
        return True

    @abstractmethod
    def blocks(self, buffers: Any) -> tuple[tuple[Tensor | None, Tensor], tuple[Tensor, Tensor | None]]:
        """The blocks of J, each ``(n, m)`` or ``(runs, n, m)``; None is zero."""

    def offsets(self) -> tuple[Tensor | None, Tensor | None]:
        """r, a vector a player; None is zero."""
        return (None, None)

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal, drawn by seed."""
        return normal(seeds, "initial", sum(self.sizes)).split(self.sizes, -1)

    def field(self, profile: Profile, sample: Any, buffers: Any) -> Profile:
        """J w + r."""
        answer = []
        for row, offset in zip(self.blocks(buffers), self.offsets(), strict=True):
            terms = [apply(block, x) for block, x in zip(row, profile, strict=True) if block is not None]
            terms += [offset.to(profile[0])] if offset is not None else []
            answer.append(sum(terms[1:], start=terms[0]))
        return tuple(answer)

    def block(self, i: int, j: int, profile: Profile, sample: Any, buffers: Any, u: Tensor, transpose: bool) -> Tensor | None:
        """J_ij u or J_ijᵀ u."""
        matrix = self.blocks(buffers)[i][j]
        if matrix is None:
            return torch.zeros_like(profile[j if transpose else i])
        return apply(matrix.mT if transpose else matrix, u)


def apply(matrix: Tensor, x: Tensor) -> Tensor:
    """Matrix-vector products on the run axis: ``(n, m)`` or ``(runs, n, m)`` times ``(runs, m)``."""
    matrix = matrix.to(x)
    if matrix.dim() == 2:
        return x * matrix[0, 0] if matrix.numel() == 1 else x @ matrix.mT
    return (matrix @ x[..., None]).squeeze(-1)


def as_matrix(rows: Any, name: str) -> Tensor:
    """A float64 matrix from rows of equal length.

    Raises:
        InputError: the rows are ragged or empty.
    """
    widths = {len(row) for row in rows}
    if len(widths) != 1 or 0 in widths:
        raise InputError(f"{name} must be a matrix: rows of one equal length, got lengths {[len(r) for r in rows]}")
    return torch.tensor(rows, dtype=torch.float64)
