"""A GAN in the plane with every part that `RegularisedGAN` has, small and smooth enough for closed forms."""

from dataclasses import dataclass
from typing import Literal

import pytest
import torch
from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.gan import Batch
from saddlebench.games.regularisation import RegularisedGAN


@dataclass(frozen=True)
class PlaneGAN(RegularisedGAN):
    """G(z) = s∘z + b, w_G = (s, b); ``quadratic``: D(x) = aᵀx + ½ cᵀx², w_D = (a, c), ``tanh``: D(x) = aᵀ tanh(Wx + v).

    The last hidden features are (x, ½x²) or tanh(Wx + v). Historical means are those of the start.
    """

    name = "plane-gan"
    dtype = "float64"

    form: Literal["quadratic", "tanh"] = "tanh"
    batch: int = 5
    latent_size = 2  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    @property
    def sizes(self) -> tuple[int, ...]:
        return 4, 4 if self.form == "quadratic" else 3 + 3 * 2 + 3

    def initial(self, seeds: Tensor) -> Profile:
        drawn = (normal(seeds, who, size, dtype=torch.float64) for who, size in zip(self.players, self.sizes, strict=True))
        return tuple(self.project(i, x) for i, x in enumerate(drawn))

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        if not self.historical_averaging:
            return ()
        nothing = profile[0].new_zeros(len(seeds), 0)
        return nothing, nothing, *(normal(seeds, f"mean of {i}", x.shape[1]).to(x) for i, x in enumerate(profile))

    def sample(self, seeds: Tensor, step: int, draw: int) -> Batch:
        z, x = normal(seeds, "plane", 4 * self.batch, step, draw, torch.float64).view(-1, 2, self.batch, 2).unbind(1)
        return self.completed(z, 0.5 * x + 1, seeds, step, draw)

    def generate(self, generator: Tensor, latents: Tensor) -> Tensor:
        scale, shift = generator.unsqueeze(1).chunk(2, -1)
        return scale * latents + shift

    def logits(self, discriminator: Tensor, x: Tensor) -> Tensor:
        count = 4 if self.form == "quadratic" else 3
        return (self._features(discriminator, x) * discriminator[:, None, :count]).sum(-1)

    def _features(self, discriminator: Tensor, x: Tensor) -> Tensor:
        if self.form == "quadratic":
            return torch.cat((x, x.square() / 2), -1)
        weight = discriminator[:, 3:9].view(-1, 3, 2)
        return (x @ weight.mT + discriminator[:, None, 9:]).tanh()

    def hidden(self, profile: Profile, x: Tensor, sample: Batch, buffers: Buffers) -> Tensor:
        return self._features(profile[1], x)


@pytest.fixture
def plane() -> type[PlaneGAN]:
    """The class."""
    return PlaneGAN
