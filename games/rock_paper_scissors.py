"""Rock-paper-scissors."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from saddlebench.games.domains import project_simplex
from saddlebench.games.draws import normal
from saddlebench.games.game import Domain, Game, Profile

_LOSS = ((0.0, 1.0, -1.0), (-1.0, 0.0, 1.0), (1.0, -1.0, 0.0))  # what the row player loses: R, P, S against R, P, S


@dataclass(frozen=True)
class RockPaperScissors(Game):
    """Row x minimises xᵀMy, column y maximises it, M = −payoff, both on the simplex; equilibrium uniform, value 0.

    ``form="simplex"``: strategies are probabilities, kept on the simplex by projection or by the optimizer's geometry.
    ``form="softmax"``: strategies are logits, x = softmax(w), unconstrained; a shift of all logits changes nothing. Starts are
    softmax of standard normals, drawn by seed.
    """

    name = "rock-paper-scissors"
    paper = "classic"

    form: Literal["simplex", "softmax"] = "simplex"  # probabilities, or logits

    @property
    def players(self) -> tuple[str, ...]:
        """Row and column."""
        return ("row", "column")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Three pure strategies each."""
        return (3, 3)

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
        """No: f is linear in y, and in logits its Hessian vanishes at the equilibrium, where Mᵀx is constant."""
        return False

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal logits, or their softmax."""
        logits = normal(seeds, "row", 3), normal(seeds, "column", 3)
        return logits if self.form == "softmax" else tuple(x.softmax(-1) for x in logits)

    def _strategies(self, profile: Profile) -> Profile:
        return profile if self.form == "simplex" else tuple(w.softmax(-1) for w in profile)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(xᵀMy, −xᵀMy)."""
        x, y = self._strategies(profile)
        value = (x * (y @ self._matrix(y).mT)).sum(-1)
        return value, -value

    def _matrix(self, like: Tensor) -> Tensor:
        return torch.tensor(_LOSS, dtype=like.dtype, device=like.device)

    def project(self, i: int, x: Tensor) -> Tensor:
        """On the simplex."""
        return project_simplex(x) if self.form == "simplex" else x

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """Uniform: probabilities of a third, or equal logits."""
        value = 1 / 3 if self.form == "simplex" else 0.0
        one = torch.full((len(seeds), 3), value, dtype=torch.float64, device=seeds.device)
        return one, one

    def null_directions(self, seeds: Tensor) -> Tensor | None:
        """For logits, the shift of all three."""
        if self.form == "simplex":
            return None
        shift = torch.zeros(2, 6, dtype=torch.float64, device=seeds.device)
        shift[0, :3] = shift[1, 3:] = 3**-0.5
        return shift.expand(len(seeds), -1, -1)

    def gap(self, profile: Profile, buffers: Any) -> Tensor | None:
        """Exploitability max_j (Mᵀx)_j − min_i (My)_i."""
        x, y = self._strategies(profile)
        matrix = self._matrix(x)
        return (x @ matrix).amax(-1) - (y @ matrix.mT).amin(-1)
