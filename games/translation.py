"""Unpaired translation between two domains X and Y: two generators and two discriminators, each a player of its own."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from torch import Tensor

from saddlebench.games.game import Profile
from saddlebench.games.losses import AdversarialLoss, adversarial_loss
from saddlebench.games.network_game import AnyNetwork, NetworkGame, Networks
from saddlebench.games.networks.network import Moments, Scheme
from saddlebench.parameters import Count, NonNegativeScalar

PLAYERS = ("forward_generator", "backward_generator", "target_discriminator", "source_discriminator")


class Domains(NamedTuple):
    """A sample: points or images of both domains, ``(runs, batch, …)``, in no pairs.

    Attributes:
        x: of the source.
        y: of the target.
        further: what a game draws besides.
    """

    x: Tensor
    y: Tensor
    further: Any = ()


class Translated(Networks):
    """One batch of each domain, there and back: each translation is made once, for all losses that ask for it."""

    sample: Domains

    @cached_property
    def x(self) -> Tensor:
        """Of the source."""
        return self.sample.x.to(self.profile[0].dtype)

    @cached_property
    def y(self) -> Tensor:
        """Of the target."""
        return self.sample.y.to(self.profile[0].dtype)

    def forward(self, x: Tensor) -> Tensor:
        """G(x)."""
        return self("forward_generator", x)

    def backward(self, y: Tensor) -> Tensor:
        """F(y)."""
        return self("backward_generator", y)

    @cached_property
    def fake_y(self) -> Tensor:
        """G(x)."""
        return self.forward(self.x)

    @cached_property
    def fake_x(self) -> Tensor:
        """F(y)."""
        return self.backward(self.y)

    @cached_property
    def returned_x(self) -> Tensor:
        """F(G(x))."""
        return self.backward(self.fake_y)

    @cached_property
    def returned_y(self) -> Tensor:
        """G(F(y))."""
        return self.forward(self.fake_x)

    def logits(self, discriminator: str, x: Tensor) -> Tensor:
        """``(runs, n)``: one logit a point, or a patch of an image."""
        return self(discriminator, x).flatten(1)

    def shown_fakes(self, discriminator: str) -> Tensor:
        """The translations that a discriminator learns from."""
        return self.fake_y if discriminator == "target_discriminator" else self.fake_x


@dataclass(frozen=True)
class Translation(NetworkGame):
    """Generators G: X → Y and F: Y → X against discriminators D_Y and D_X, as four players.

        L_G = a·A(D_Y(G(x))) + c·(d(F(G(x)), x) + d(G(F(y)), y)) + i·E|G(y) − y|
        L_F = a·A(D_X(F(y))) + c·(d(F(G(x)), x) + d(G(F(y)), y)) + i·E|F(x) − x|
        L_DY, L_DX: the adversarial loss's of real and translated samples

    A is the generator's adversarial term, d the mean absolute or squared difference of all numbers. The papers' generators minimise
    the sum of L_G and L_F with the round trips counted once; its derivative in either generator is that of this player's loss.
    """

    seen = Translated

    batch: Count = 1  # samples of each domain a draw
    loss: Literal["non-saturating", "lsgan", "hinge"] = "lsgan"  # adversarial loss
    adversarial_weight: NonNegativeScalar = 1.0  # a
    cycle_weight: NonNegativeScalar = 10.0  # c
    cycle_distance: Literal["l1", "l2"] = "l1"  # d: E|u − v|, or E(u − v)²
    identity_weight: NonNegativeScalar = 0.0  # i
    initialisation: Scheme = "normal"  # of the weights

    @abstractmethod
    def network_of(self, player: str) -> AnyNetwork:
        """The network of one of `PLAYERS`."""

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, AnyNetwork]]:
        """Each player has one network."""
        return {player: {player: self.network_of(player)} for player in PLAYERS}

    @property
    def adversarial(self) -> AdversarialLoss:
        """By name."""
        return adversarial_loss(self.loss)

    def translated(
        self, profile: Profile, sample: Domains | None = None, moments: Mapping[str, Moments] | None = None
    ) -> Translated:
        """The networks of a profile without the game's buffers, to be measured."""
        found = self.seen(self, profile, sample, (), moments)
        assert isinstance(found, Translated), f"what {self.name} sees are no translations"
        return found

    def player_loss(self, i: int, seen: Translated) -> Tensor:
        """Player i's, as the class defines it."""
        if i >= 2:
            discriminator, real = PLAYERS[i], seen.y if i == 2 else seen.x
            fake = seen.shown_fakes(discriminator)
            return self.adversarial.discriminator(seen.logits(discriminator, real), seen.logits(discriminator, fake))
        judge, fake = (PLAYERS[2], seen.fake_y) if i == 0 else (PLAYERS[3], seen.fake_x)
        loss = self.adversarial_weight * self.adversarial.generator(seen.logits(judge, fake))
        if self.cycle_weight:
            there, back = self.difference(seen.returned_x, seen.x), self.difference(seen.returned_y, seen.y)
            loss = loss + self.cycle_weight * (there + back)
        if self.identity_weight:
            kept, own = (seen.forward(seen.y), seen.y) if i == 0 else (seen.backward(seen.x), seen.x)
            loss = loss + self.identity_weight * (kept - own).abs().flatten(1).mean(-1)
        return loss

    def difference(self, u: Tensor, v: Tensor) -> Tensor:
        """d(u, v), ``(runs,)``."""
        gap = u - v
        return (gap.abs() if self.cycle_distance == "l1" else gap.square()).flatten(1).mean(-1)
