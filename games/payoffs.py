"""What zero-sum matrix games share: strategies and their forms, losses, exploitability, equilibrium."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.domains import project_simplex
from saddlebench.games.draws import normal
from saddlebench.games.game import Domain, Game, Profile
from saddlebench.games.linear import apply
from saddlebench.games.linear_program import OptimalStrategies, unique_equilibrium
from saddlebench.parameters import Vector


@dataclass(frozen=True)
class PayoffGame(Game):
    """Row x minimises xᵀMy, column y maximises it, M = −payoff, x and y probabilities of the actions.

    ``form="simplex"``: the strategies are the probabilities, kept on the simplex by projection or by the optimizer's geometry.
    ``form="softmax"``: they are logits, x = softmax(w), unconstrained; a shift of all logits changes nothing. ``form="logit"``, of
    two actions: one number each, x = (σ(w), 1 − σ(w)). Starts are softmax of standard normals, drawn by seed, or given.
    """

    form: Any = "simplex"  # probabilities, or what they are a function of
    start: tuple[Vector, Vector] | None = None  # both players' probabilities in every run; None: drawn by seed

    def __post_init__(self) -> None:
        for name, x, n in zip(self.players, self.start or (), self.actions, strict=False):
            if len(x) != n or min(x) < 0 or abs(sum(x) - 1) > 1e-9:
                raise InputError(f"{self.name}: the start of {name} must be {n} probabilities that sum to 1, not {list(x)}")
            if min(x) == 0 and self.form != "simplex":
                raise InputError(f"{self.name}: no logits have a probability of 0, as the start of {name} does")

    @property
    @abstractmethod
    def actions(self) -> tuple[int, int]:
        """How many actions each player has."""

    @abstractmethod
    def payoff_matrix(self, buffers: Any) -> Tensor:
        """What the row player wins, ``(rows, columns)`` or ``(runs, rows, columns)``, float64."""

    @abstractmethod
    def payoff_matrices(self, seeds: Tensor) -> Tensor:
        """The same from seeds, always with a run axis of as many runs or of 1."""

    @property
    def players(self) -> tuple[str, ...]:
        """Row and column."""
        return ("row", "column")

    @property
    def sizes(self) -> tuple[int, ...]:
        """A number an action, or one for both of two."""
        return (1, 1) if self.form == "logit" else self.actions

    @property
    def domain(self) -> tuple[Domain, ...]:
        """The simplex, or none for logits."""
        return ("simplex", "simplex") if self.form == "simplex" else ("unconstrained", "unconstrained")

    @property
    def zero_sum(self) -> bool:
        """Yes."""
        return True

    @property
    def follower_curvature(self) -> bool:
        """No: losses are linear in probabilities, and all actions that are played pay the same at the equilibrium."""
        return False

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal logits or their softmax, or the given start."""
        if self.start is None:
            logits = tuple(normal(seeds, name, n) for name, n in zip(self.players, self.sizes, strict=True))
            return self.strategies(logits, "softmax") if self.form == "simplex" else logits
        given = (torch.tensor(x, dtype=torch.float64, device=seeds.device).expand(len(seeds), -1) for x in self.start)
        return self._in_form(tuple(x.clone() for x in given))

    def strategies(self, profile: Profile, form: str | None = None) -> Profile:
        """The probabilities of the actions."""
        form = form or self.form
        if form == "logit":
            return tuple(torch.cat((w.sigmoid(), (-w).sigmoid()), -1) for w in profile)
        return profile if form == "simplex" else tuple(w.softmax(-1) for w in profile)

    def _in_form(self, probabilities: Profile) -> Profile:
        if self.form == "simplex":
            return probabilities
        logs = tuple(x.log() for x in probabilities)
        return tuple(x[:, :1] - x[:, 1:] if self.form == "logit" else x - x.mean(-1, keepdim=True) for x in logs)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(xᵀMy, −xᵀMy)."""
        x, y = self.strategies(profile)
        value = -(x * apply(self.payoff_matrix(buffers), y)).sum(-1)
        return value, -value

    def field(self, profile: Profile, sample: Any, buffers: Any) -> Profile | None:
        """(My, −Mᵀx) for probabilities."""
        if self.form != "simplex":
            return None
        payoff = self.payoff_matrix(buffers)
        return -apply(payoff, profile[1]), apply(payoff.mT, profile[0])

    def block(self, i: int, j: int, profile: Profile, sample: Any, buffers: Any, u: Tensor, transpose: bool) -> Tensor | None:
        """[[0, M], [−Mᵀ, 0]] for probabilities."""
        if self.form != "simplex":
            return None
        if i == j:
            return torch.zeros_like(u)
        payoff = self.payoff_matrix(buffers)
        matrix = -payoff if i == 0 else payoff.mT
        return apply(matrix.mT if transpose else matrix, u)

    def project(self, i: int, x: Tensor) -> Tensor:
        """On the simplex."""
        return project_simplex(x) if self.form == "simplex" else x

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """By linear programming; None where it is not unique, or where logits would be infinite."""
        found = [unique_equilibrium(-payoff) for payoff in self.payoff_matrices(seeds).cpu().numpy()]
        solved = [pair for pair in found if pair is not None]
        if len(solved) < len(found) or (self.form != "simplex" and any((x == 0).any() for pair in solved for x in pair)):
            return None
        both = (torch.from_numpy(np.stack(x)).to(seeds.device) for x in zip(*solved, strict=True))
        return self._in_form(tuple(x.expand(len(seeds), -1).clone() for x in both))

    def equilibrium_distance(self, profile: Profile, seeds: Tensor) -> Tensor | None:
        """To the nearest of all equilibria, which for probabilities are known also where they are several."""
        if self.form != "simplex":
            return super().equilibrium_distance(profile, seeds)
        payoffs = self.payoff_matrices(seeds).cpu().numpy()
        pairs = zip(*(x.detach().double().cpu().numpy() for x in profile), strict=True)
        found = [_optimal(payoffs[r % len(payoffs)].tobytes(), payoffs.shape[1:]).distance(x, y) for r, (x, y) in enumerate(pairs)]
        return torch.tensor(found, dtype=profile[0].dtype, device=profile[0].device)

    def null_directions(self, seeds: Tensor) -> Tensor | None:
        """For a logit an action, the shift of all of a player's."""
        if self.form != "softmax":
            return None
        rows, columns = self.actions
        shift = torch.zeros(2, rows + columns, dtype=torch.float64, device=seeds.device)
        shift[0, :rows], shift[1, rows:] = rows**-0.5, columns**-0.5
        return shift.expand(len(seeds), -1, -1)

    def gap(self, profile: Profile, buffers: Any) -> Tensor | None:
        """Exploitability max_j (Mᵀx)_j − min_i (My)_i."""
        x, y = self.strategies(profile)
        payoff = self.payoff_matrix(buffers)
        return apply(payoff, y).amax(-1) - apply(payoff.mT, x).amin(-1)


@dataclass(frozen=True)
class FixedPayoffGame(PayoffGame):
    """A matrix game whose payoff is the same for all runs."""

    @property
    @abstractmethod
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """What the row player wins, row by row."""

    @property
    def actions(self) -> tuple[int, int]:
        """The payoff's shape."""
        return len(self.rows), len(self.rows[0])

    def payoff_matrix(self, buffers: Any) -> Tensor:
        """The given one."""
        return _tensor(self.rows)

    def payoff_matrices(self, seeds: Tensor) -> Tensor:
        """One for all."""
        return _tensor(self.rows)[None]


@lru_cache(maxsize=1024)
def _optimal(payoff: bytes, shape: tuple[int, int]) -> OptimalStrategies:
    return OptimalStrategies(-np.frombuffer(payoff).reshape(shape))


@lru_cache(maxsize=64)
def _tensor(rows: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)
