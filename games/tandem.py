"""The tandem game."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saddlebench.games.game import Profile
from saddlebench.games.linear import LinearGame
from saddlebench.games.starts import point, start_or_normal
from saddlebench.parameters import Scalar


@dataclass(frozen=True)
class Tandem(LinearGame):
    """ℓ₁ = (x + y)² − 2x, ℓ₂ = (x + y)² − 2y: v = 2(x + y − 1)(1, 1), fixed points the line x + y = 1.

    Letcher et al., ICLR 2019 (SOS): stable opponent shaping converges to the line, LOLA to points off it, because each player
    believes that it can make the other one yield ("arrogance"). J = [[2, 2], [2, 2]] has the eigenvalues 4 and 0; the null
    direction is (1, −1)/√2. The measure ``sum`` is x + y, 1 on the line.
    """

    name = "tandem"
    paper = "Letcher et al. 2019"

    start: tuple[Scalar, Scalar] | None = None  # (x, y) of every run; None: standard normal by seed, as SOS's code

    @property
    def sizes(self) -> tuple[int, ...]:
        """One number each."""
        return (1, 1)

    @property
    def zero_sum(self) -> bool:
        """No."""
        return False

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal by seed, or the given start."""
        return start_or_normal(self.start, self.sizes, seeds)

    def blocks(self, buffers: Any) -> Any:
        """All 2."""
        two = torch.full((1, 1), 2.0, dtype=torch.float64)
        return (two, two), (two, two)

    def offsets(self) -> tuple[Tensor | None, Tensor | None]:
        """(−2, −2)."""
        two = torch.full((1,), -2.0, dtype=torch.float64)
        return two, two

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(ℓ₁, ℓ₂)."""
        x, y = (w.squeeze(-1) for w in profile)
        return (x + y) ** 2 - 2 * x, (x + y) ** 2 - 2 * y

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """The line's point (½, ½)."""
        return point((0.5, 0.5), self.sizes, seeds)

    def null_directions(self, seeds: Tensor) -> Tensor | None:
        """Along the line."""
        along = torch.tensor([[1.0, -1.0]], dtype=torch.float64, device=seeds.device) / 2**0.5
        return along.expand(len(seeds), -1, -1)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Any) -> dict[str, Tensor]:
        """x + y."""
        return {"sum": (profile[0] + profile[1]).squeeze(-1)}
