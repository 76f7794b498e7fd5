"""The bilinear game."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.game import Profile
from saddlebench.games.linear import LinearGame, apply, as_matrix
from saddlebench.parameters import Count, Matrix, Vector

_RANK_TOLERANCE = 1e-12  # relative to the largest singular value


@dataclass(frozen=True)
class Bilinear(LinearGame):
    """f(x, y) = xᵀAy + bᵀx + cᵀy, x minimises and y maximises: v = (Ay + b, −Aᵀx − c), spectrum of J = ±iσ_j(A).

    A is given as ``matrix``, or drawn by seed where ``shape`` is given: U diag(s) Vᵀ with s log-spaced from 1 down to
    1/``condition_number``. The equilibria are Ay = −b, Aᵀx = −c; where A is not square or not of full rank they form a
    manifold, whose directions are the game's null directions.

    Raises:
        InputError: matrix and shape are both given, or b or c do not fit.
    """

    name = "bilinear"
    paper = "classic"

    matrix: Matrix | None = None  # A; [[1.0]] where no shape is given
    b: Vector | None = None  # b, one number a row of A
    c: Vector | None = None  # c, one number a column of A
    shape: tuple[Count, Count] | None = None  # rows and columns of an A drawn by seed
    condition_number: Annotated[float, Field(ge=1)] = 1.0  # σ_max/σ_min of an A drawn by seed

    def __post_init__(self) -> None:
        if self.matrix is not None and self.shape is not None:
            raise InputError("bilinear: give matrix or shape, not both")
        rows, columns = self.sizes
        for name, vector, size in (("b", self.b, rows), ("c", self.c, columns)):
            if vector is not None and len(vector) != size:
                raise InputError(f"bilinear: {name} has {len(vector)} numbers, but the matrix is {rows} × {columns}")

    @cached_property
    def _given(self) -> Tensor:
        return as_matrix(((1.0,),) if self.matrix is None else self.matrix, "matrix")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows and columns of A."""
        return self.shape or tuple(self._given.shape)

    @property
    def follower_curvature(self) -> bool:
        """No: f is linear in y."""
        return False

    @property
    def seeded(self) -> bool:
        """Where A is drawn."""
        return self.shape is not None

    def buffers(self, profile: Profile, seeds: Tensor) -> tuple[Tensor, ...]:
        """A, ``(runs, n, m)``, where it is drawn by seed."""
        return () if self.shape is None else (self._matrices(seeds).to(profile[0]),)

    def _matrices(self, seeds: Tensor) -> Tensor:
        """A of each run, or one ``(n, m)`` for all."""
        if self.shape is None:
            return self._given.to(seeds.device)
        rows, columns = self.shape
        rank = min(rows, columns)
        left = torch.linalg.qr(normal(seeds, "left", rows * rank).view(-1, rows, rank)).Q
        right = torch.linalg.qr(normal(seeds, "right", columns * rank).view(-1, columns, rank)).Q
        decay = torch.linspace(0, 1, rank, dtype=torch.float64, device=seeds.device) if rank > 1 else torch.zeros(1)
        return left * self.condition_number ** -decay.to(left) @ right.mT

    def blocks(self, buffers: Any) -> Any:
        """[[0, A], [−Aᵀ, 0]]."""
        matrix = buffers[0] if buffers else self._given
        return (None, matrix), (-matrix.mT, None)

    def offsets(self) -> tuple[Tensor | None, Tensor | None]:
        """(b, −c)."""
        b = None if self.b is None else torch.tensor(self.b, dtype=torch.float64)
        c = None if self.c is None else -torch.tensor(self.c, dtype=torch.float64)
        return b, c

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(f, −f)."""
        x, y = profile
        b, c = self.offsets()
        value = (x * apply(buffers[0] if buffers else self._given, y)).sum(-1)
        value = value if b is None else value + x @ b.to(x)
        value = value if c is None else value - y @ c.to(y)
        return value, -value

    @cached_property
    def _given_factors(self) -> tuple[Tensor, Tensor, Tensor]:
        return torch.linalg.svd(self._given[None])

    def _factors(self, seeds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """U, s, Vᵀ of each run's A, or of one A for all, with a run axis."""
        if self.shape is None:
            return tuple(x.to(seeds.device) for x in self._given_factors)  # pyright: ignore[reportReturnType] - three of them
        return torch.linalg.svd(self._matrices(seeds))

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """The solution of least norm of Ay = −b, Aᵀx = −c; None where there is none."""
        runs, (rows, columns) = len(seeds), self.sizes
        if self.b is None and self.c is None:
            zero = torch.zeros(runs, rows + columns, dtype=torch.float64, device=seeds.device)
            return zero[:, :rows], zero[:, rows:]
        left, s, right = self._factors(seeds)
        b, c = (
            torch.zeros(1, n, dtype=torch.float64) if r is None else r[None]
            for r, n in zip(self.offsets(), self.sizes, strict=True)
        )
        b, c = b.to(left).expand(runs, -1), c.to(left).expand(runs, -1)
        rank = _rank(s)
        left, s, right = left[:, :, :rank], s[:, :rank], right[:, :rank]
        y = apply(right.mT, apply(left.mT, -b) / s)
        x = apply(left, apply(right, c) / s)
        matrix = left * s[:, None] @ right
        residual = (apply(matrix, y) + b).norm() + (apply(matrix.mT, x) - c).norm()
        return (x, y) if residual <= 1e-9 * (1 + b.norm() + c.norm()) else None

    def null_directions(self, seeds: Tensor) -> Tensor | None:
        """The null spaces of Aᵀ (for x) and A (for y)."""
        rows, columns = self.sizes
        left, s, right = self._factors(seeds)
        rank = _rank(s)
        if rank == rows == columns:
            return None
        x = torch.nn.functional.pad(left.mT[:, rank:], (0, columns))
        y = torch.nn.functional.pad(right[:, rank:], (rows, 0))
        return torch.cat((x, y), 1).expand(len(seeds), -1, -1)


def _rank(s: Tensor) -> int:
    """The rank of matrices from their singular values ``(runs, k)``, which is the same for every run."""
    return int((s[0] > _RANK_TOLERANCE * s[0].max()).sum())
