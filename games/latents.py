"""The law of a generator's latents, as a parameter."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:  # the mixin is no game by itself, but what it adds to is one
    from saddlebench.games.game import Game as _Base
else:
    _Base = object


@dataclass(frozen=True)
class LatentLaw(_Base):
    """What a GAN adds to its own parameters to choose between normal and uniform latents."""

    latent_law: Literal["normal", "uniform"] = "normal"  # of each number of z: N(0, 1), or uniform on [−1, 1]

    def shaped(self, z: Tensor) -> Tensor:
        """Standard normal numbers as latents of the game's law: 2Φ(z) − 1 = erf(z/√2) is uniform on [−1, 1]."""
        return z if self.latent_law == "normal" else torch.special.erf(z / math.sqrt(2))

    @property
    def latent_bound(self) -> float | None:
        """Of uniform latents."""
        return 1.0 if self.latent_law == "uniform" else None
