"""What the games of a generator network against a discriminator network share."""

from abc import abstractmethod

from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Game, Profile
from saddlebench.games.losses import AdversarialLoss

Batch = tuple[Tensor, Tensor]  # latents (runs, batch, latent) and real samples (runs, batch, features)


class GAN(Game):
    """A generator x = G(z) against a discriminator with logits D(x), under an adversarial loss.

    A sample is (latents, real samples), one batch for both players. A subclass defines `sizes`, `initial`, `sample` and the four
    members below; `measures` and figures draw evaluation latents, which no training step sees, through `samples`.
    """

    dtype = "float32"
    stochastic = True

    @property
    def players(self) -> tuple[str, ...]:
        """G and D."""
        return ("generator", "discriminator")

    @property
    @abstractmethod
    def adversarial(self) -> AdversarialLoss:
        """The pair of losses."""

    @property
    @abstractmethod
    def latent_size(self) -> int:
        """The number of a latent's entries, standard normal."""

    @abstractmethod
    def generate(self, generator: Tensor, latents: Tensor) -> Tensor:
        """G: parameters ``(runs, size)`` and latents ``(runs, batch, latent)`` to samples ``(runs, batch, features)``."""

    @abstractmethod
    def logits(self, discriminator: Tensor, x: Tensor) -> Tensor:
        """D: parameters ``(runs, size)`` and samples ``(runs, batch, features)`` to logits ``(runs, batch)``."""

    @property
    def zero_sum(self) -> bool:
        """That of the loss."""
        return self.adversarial.zero_sum

    @property
    def follower_curvature(self) -> bool:
        """No: networks have directions in which nothing changes (dead units, units that trade their scales)."""
        return False

    def losses(self, profile: Profile, sample: Batch, buffers: Buffers) -> tuple[Tensor, ...]:
        """(L_G, L_D); the generated batch is scored once for both."""
        real = sample[1].to(profile[1].dtype)  # a no-op but where float64 is asked of a float32 game
        return self.adversarial.both(self.logits(profile[1], real), self.score(profile, sample))

    def loss_of(self, i: int, profile: Profile, sample: Batch, buffers: Buffers) -> Tensor:
        """The generator's loss needs no real samples, unless it is minus the discriminator's."""
        if i == 0 and not self.zero_sum:
            return self.adversarial.generator(self.score(profile, sample))
        return self.losses(profile, sample, buffers)[i]

    def score(self, profile: Profile, sample: Batch) -> Tensor:
        """D(G(z)) of the sample's latents, ``(runs, batch)``."""
        generator, discriminator = profile
        return self.logits(discriminator, self.generate(generator, self.latents(sample).to(generator.dtype)))

    def latents(self, sample: Batch) -> Tensor:
        """The latents of a sample, ``(runs, batch, latent)``."""
        return sample[0]

    def with_latents(self, sample: Batch, latents: Tensor) -> Batch:
        """The sample with other latents."""
        return latents, sample[1]

    def samples(self, profile: Profile, seeds: Tensor, n: int) -> Tensor:
        """``(runs, n, features)``: G of n fixed evaluation latents a seed; the first n of more are the same."""
        z = normal(seeds, "evaluation latents", n * self.latent_size, dtype=profile[0].dtype)
        return self.generate(profile[0], z.view(len(seeds), n, self.latent_size))
