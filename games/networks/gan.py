"""What the games of a generator network against a discriminator network share."""

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Game, Profile
from saddlebench.games.losses import AdversarialLoss
from saddlebench.games.penalties.penalty import Penalty


class Batch(NamedTuple):
    """A sample of a GAN: one batch for both players.

    Attributes:
        latents: ``(runs, batch, latent)``.
        real: ``(runs, batch, …)``.
        labels: int64 ``(runs, batch)``, of the real samples, and the classes that generated ones are asked for; None: no classes.
        blur: standard normal noise ``(runs, 2, batch, …)`` times its scale, added to generated and to real samples where the
            discriminator sees them (instance noise); None: none.
        draws: what each of the game's penalties draws, in their order; None for one that draws nothing.
        due: whether each penalty is paid at this step.
        asked: int64 ``(runs, batch)``, the classes that generated samples are asked for; None: those of ``labels``.
    """

    latents: Tensor
    real: Tensor
    labels: Tensor | None = None
    blur: Tensor | None = None
    draws: tuple[Tensor | None, ...] = ()
    due: tuple[bool, ...] = ()
    asked: Tensor | None = None

    @property
    def generated(self) -> "Batch":
        """The batch with the classes of its generated samples for labels."""
        return self if self.asked is None else self._replace(labels=self.asked)


class GAN(Game):
    """A generator x = G(z) against a discriminator with logits D(x), under an adversarial loss and penalties.

    A sample is a `Batch`, the same for both players. A subclass defines `sizes`, `initial`, `sample` and the four members below;
    `measures` and figures draw evaluation latents, which no training step sees, through `samples`.
    """

    dtype = "float32"
    joint = False  # does D judge a real and a generated batch in one pass?
    stochastic = True
    has_latents = True

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
        """G: parameters ``(runs, size)`` and latents ``(runs, batch, latent)`` to samples ``(runs, batch, …)``."""

    @abstractmethod
    def logits(self, discriminator: Tensor, x: Tensor) -> Tensor:
        """D: parameters ``(runs, size)`` and samples ``(runs, batch, …)`` to logits ``(runs, batch)``."""

    # The next three are overridden by games whose networks need labels or buffers.

    def produce(self, profile: Profile, sample: Batch, buffers: Buffers) -> Tensor:
        """Generated samples for a batch's latents, of its generated samples' classes."""
        return self.generate(profile[0], sample.latents.to(profile[0].dtype))

    def judge(self, profile: Profile, x: Tensor, sample: Batch, buffers: Buffers) -> Tensor:
        """Logits of samples x of the batch's size and of the classes of its labels."""
        return self.logits(profile[1], x)

    def hidden(self, profile: Profile, x: Tensor, sample: Batch, buffers: Buffers) -> Tensor:
        """The discriminator's last hidden features ``(runs, batch, features)``.

        Raises:
            InputError: the discriminator gives none.
        """
        raise InputError(f"{self.name}'s discriminator gives no features to match")

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        """Terms added to one player's loss; none by default."""
        return ()

    @property
    def zero_sum(self) -> bool:
        """That of the loss; a penalty is one player's alone."""
        return self.adversarial.zero_sum and not self.penalties

    @property
    def follower_curvature(self) -> bool:
        """No: networks have directions in which nothing changes (dead units, units that trade their scales)."""
        return False

    def losses(self, profile: Profile, sample: Batch, buffers: Buffers) -> tuple[Tensor, ...]:
        """(L_G, L_D); the generated batch is scored once for both."""
        seen = Evaluated(self, profile, sample, buffers)
        pair = self.adversarial.both(*seen.both_logits)
        return tuple(seen.with_penalties(i, loss) for i, loss in enumerate(pair))

    def loss_of(self, i: int, profile: Profile, sample: Batch, buffers: Buffers) -> Tensor:
        """The generator's loss needs no real samples, unless it is minus the discriminator's."""
        seen = Evaluated(self, profile, sample, buffers)
        if i == 0 and not self.adversarial.zero_sum:
            loss = self.adversarial.generator(seen.fake_logits)
        else:
            loss = self.adversarial.both(*seen.both_logits)[i]
        return seen.with_penalties(i, loss)

    def score(self, profile: Profile, sample: Batch, buffers: Buffers = ()) -> Tensor:
        """D(G(z)) of the sample's latents, ``(runs, batch)``."""
        return Evaluated(self, profile, sample, buffers).fake_logits

    def parts(self, sample: Batch, count: int) -> list[Batch]:
        """Consecutive equal parts of a batch.

        Raises:
            InputError: it has no such parts.
        """
        size = sample.latents.shape[1]
        if size % count:
            raise InputError(f"{self.name}: a batch of {size} cannot be cut into {count} equal parts")

        def cut(x: Tensor | None, axis: int = 1) -> list[Tensor | None]:
            return [None] * count if x is None else list(x.chunk(count, axis))

        columns = (cut(sample.latents), cut(sample.real), cut(sample.labels), cut(sample.blur, 2), cut(sample.asked))
        draws = list(zip(*(cut(d) for d in sample.draws), strict=True)) or [()] * count
        rows: Any = zip(*columns, draws, strict=True)
        return [Batch(z, real, labels, blur, drawn, sample.due, asked) for z, real, labels, blur, asked, drawn in rows]

    def latents(self, sample: Batch) -> Tensor:
        """The latents of a sample, ``(runs, batch, latent)``."""
        return sample.latents

    def with_latents(self, sample: Batch, latents: Tensor) -> Batch:
        """The sample with other latents."""
        return sample._replace(latents=latents)

    def samples(self, profile: Profile, seeds: Tensor, n: int, buffers: Buffers = ()) -> Tensor:
        """``(runs, n, …)``: G of n fixed evaluation latents a seed; the first n of more are the same."""
        return self.from_latents(profile, self.evaluation_latents(seeds, n), seeds, buffers)

    def from_latents(
        self, profile: Profile, latents: Tensor, seeds: Tensor, buffers: Buffers = (), labels: Tensor | None = None
    ) -> Tensor:
        """``(runs, n, …)``: what `samples` makes of its latents, of given ones ``(runs, n, latent)``, and labels.

        Args:
            profile: the networks.
            latents: of any dtype.
            seeds: the runs'; what a game measures before it generates is fixed by them.
            buffers: of the profile.
            labels: int64 ``(runs, n)``; None: a conditional game's classes in turn.
        """
        return self.generate(profile[0], latents.to(profile[0].dtype))

    def shown_in_turn(
        self, profile: Profile, latents: Tensor, seeds: Tensor, buffers: Buffers = (), labels: Tensor | None = None
    ) -> Iterator[Tensor]:
        """`from_latents`, ``(runs, some, …)`` at a time, so that not all need be in memory at once."""
        yield self.from_latents(profile, latents, seeds, buffers, labels)

    def evaluation_latents(self, seeds: Tensor, n: int) -> Tensor:
        """``(runs, n, latent)``, which no training step sees."""
        return normal(seeds, "evaluation latents", n * self.latent_size).view(len(seeds), n, self.latent_size)


class Evaluated:
    """The players of a GAN evaluated on one sample; each part is computed once, when it is asked for."""

    def __init__(self, game: GAN, profile: Profile, sample: Batch, buffers: Buffers) -> None:
        self.game, self.profile, self.sample, self.buffers = game, profile, sample, buffers

    @cached_property
    def real(self) -> Tensor:
        """Real samples."""
        return self.sample.real.to(self.profile[1].dtype)  # a no-op but where float64 is asked of a float32 game

    @cached_property
    def fake(self) -> Tensor:
        """Generated samples."""
        return self.game.produce(self.profile, self.sample, self.buffers)

    @cached_property
    def real_logits(self) -> Tensor:
        """D of real samples, blurred by instance noise where the game has it."""
        return self.logits(self._real_as_seen)

    @cached_property
    def fake_logits(self) -> Tensor:
        """D of generated samples, likewise."""
        return self.game.judge(self.profile, self._fake_as_seen, self.sample.generated, self.buffers)

    @cached_property
    def both_logits(self) -> tuple[Tensor, Tensor]:
        """D of real and of generated samples, in one pass where the game wants it: equal but where D looks at its batch."""
        if not self.game.joint:
            return self.real_logits, self.fake_logits
        fake, labels = self._fake_as_seen, self.sample.labels
        if labels is not None:
            asked = self.sample.generated.labels
            labels = torch.cat((labels, labels if asked is None else asked), 1)
        seen = torch.cat((self._real_as_seen.to(fake), fake), 1)
        found = self.game.judge(self.profile, seen, self.sample._replace(labels=labels), self.buffers)
        real, made = found.tensor_split(2, 1)
        return real, made

    @property
    def _real_as_seen(self) -> Tensor:
        blur = self.sample.blur
        return self.real if blur is None else self.real + blur[:, 1].to(self.real)

    @property
    def _fake_as_seen(self) -> Tensor:
        blur = self.sample.blur
        return self.fake if blur is None else self.fake + blur[:, 0].to(self.fake)

    def logits(self, x: Tensor) -> Tensor:
        """D(x) for the classes of the real samples."""
        return self.game.judge(self.profile, x, self.sample, self.buffers)

    def features(self, x: Tensor) -> Tensor:
        """The discriminator's last hidden features of x."""
        return self.game.hidden(self.profile, x, self.sample, self.buffers)

    def with_penalties(self, i: int, loss: Tensor) -> Tensor:
        """Player i's loss with the penalties that it pays at this step."""
        penalties = self.game.penalties
        if penalties:
            for penalty, draw, due in zip(penalties, self.sample.draws, self.sample.due, strict=True):
                if penalty.player == i and due:
                    loss = loss + penalty.paid(self, draw)
        return loss
