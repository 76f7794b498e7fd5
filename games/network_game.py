"""What games of several networks share: players of any number, each one flat tensor that may hold several networks.

A game says in `owned` which networks each player owns, and in `player_loss` what each minimises; sizes, starts, power-iteration
vectors, `losses` and `loss_of` follow. The networks of a profile are called by name through `Networks`; a game that uses one value
in several losses (a generated batch, a shared trunk's features) derives a class from it with a `cached_property` for each:

    class Seen(Networks):
        @cached_property
        def fake(self) -> Tensor:
            return self("generator", self.sample.latents)

    class MyGame(NetworkGame):
        seen = Seen

        @cached_property
        def owned(self):
            return {"generator": {"generator": MLP((2, 64, 2))}, "judge": {"trunk": MLP((2, 64)), "head": MLP((64, 1))}}

        def player_loss(self, i, seen):
            ...
"""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from saddlebench.games.game import Buffers, Game, Profile, Sample
from saddlebench.games.networks.mlp import MLP
from saddlebench.games.networks.network import Critic, Moments, Network, Scheme, Scope, unfold

AnyNetwork = Network | MLP


class Networks:
    """The networks of a profile, by name, with the sample on which they are evaluated.

    Args:
        game: whose `owned` name them.
        profile: ``(runs, size)`` a player.
        sample: one evaluation's; None where a profile is only measured.
        buffers: the power-iteration vectors of spectrally normalised networks.
        moments: of the batch norms of a network, by its name, in evaluation; without: those of the batch.
    """

    def __init__(
        self, game: Any, profile: Profile, sample: Any = None, buffers: Buffers = (), moments: Mapping[str, Moments] | None = None
    ) -> None:
        self.game, self.profile, self.sample, self.buffers = game, profile, sample, buffers
        self._moments = moments or {}

    @cached_property
    def flat(self) -> dict[str, Tensor]:
        """Each network's parameters ``(runs, size)``, views of its player's tensor."""
        found: dict[str, Tensor] = {}
        for x, own in zip(self.profile, self.game.owned.values(), strict=True):
            found |= dict(zip(own, x.split([n.size for n in own.values()], -1), strict=True))
        return found

    @cached_property
    def _vectors(self) -> dict[str, Tensor]:
        return dict(zip(self.game.normalised, self.buffers, strict=False))

    def scope(self, name: str, labels: Tensor | None = None) -> Scope:
        """The tensors of a `Network`, by name."""
        return self._network(name).scope(self.flat[name], self._vectors.get(name), labels, self._moments.get(name))

    def _network(self, name: str) -> Network:
        found = self.game.networks[name]
        assert isinstance(found, Network), f"{name} is no network of layers"
        return found

    def __call__(self, name: str, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """A network's output: images in and out are ``(runs, batch, channels, side, side)``, vectors ``(runs, batch, size)``.

        Args:
            name: of the network.
            x: the input; it takes the profile's dtype.
            labels: int64 ``(runs, batch)`` for a conditional network.
        """
        network, flat = self.game.networks[name], self.flat[name]
        x = x.to(flat.dtype)  # a no-op but where float64 is asked of a float32 game
        if isinstance(network, MLP):
            return network.forward(flat, x)
        out = network.forward(x, self.scope(name, labels))
        return unfold(out, len(flat)) if out.dim() == 4 else out

    def features(self, name: str, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The last hidden features ``(runs, batch, features)`` of a `Critic`."""
        network = self._network(name)
        assert isinstance(network, Critic), f"{name} is no critic, so it has no features to ask for"
        return network.features(x.to(self.flat[name].dtype), self.scope(name, labels))


class NetworkGame(Game):
    """A game whose players are networks; the module says how one is written.

    A subclass defines `owned`, `sample` and `player_loss`, and `initialisation` where it is to be a parameter.
    """

    dtype = "float32"
    stochastic = True
    seen: type[Networks] = Networks  # what `player_loss` is given
    initialisation: Any = "xavier"  # of the weights, a `Scheme`

    @cached_property
    @abstractmethod
    def owned(self) -> Mapping[str, Mapping[str, AnyNetwork]]:
        """Player → name → network: players in the order of the profile, networks in that of their parameters.

        A network's name is its own among all players; it also names the draw of its start, so two networks of one shape differ.
        """

    @abstractmethod
    def player_loss(self, i: int, seen: Any) -> Tensor:
        """Player i's loss ``(runs,)``; ``seen`` is of the class that the game names as its `seen`."""

    @cached_property
    def networks(self) -> dict[str, AnyNetwork]:
        """All networks by name."""
        found: dict[str, AnyNetwork] = {}
        for own in self.owned.values():
            assert not found.keys() & own.keys(), f"two networks of {self.name} have one name: {[*found, *own]}"
            found |= own
        return found

    @cached_property
    def normalised(self) -> dict[str, Network]:
        """Those with spectral norm: each has a buffer of power-iteration vectors."""
        return {name: n for name, n in self.networks.items() if isinstance(n, Network) and n.vectors}

    @property
    def players(self) -> tuple[str, ...]:
        """As `owned` names them."""
        return tuple(self.owned)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The parameters of each player's networks together."""
        return tuple(sum(n.size for n in own.values()) for own in self.owned.values())

    @property
    def follower_curvature(self) -> bool:
        """No: networks have directions in which nothing changes (dead units, units that trade their scales)."""
        return False

    def initial(self, seeds: Tensor) -> Profile:
        """Every network by seed.

        Raises:
            InputError: the data set is missing; said here so that a run without it fails before it starts.
        """
        self.ready()
        scheme: Scheme = self.initialisation
        start = (torch.cat([n.initial(seeds, name, scheme) for name, n in own.items()], -1) for own in self.owned.values())
        return tuple(self.project(i, x) for i, x in enumerate(start))

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        """Power-iteration vectors, where a network is spectrally normalised."""
        flat = self.seen(self, profile).flat
        return tuple(n.start_vectors(flat[name].detach(), seeds, f"{name} power iteration") for name, n in self.normalised.items())

    def advance(self, profile: Profile, buffers: Buffers) -> Buffers:
        """One power iteration."""
        if not buffers:
            return buffers
        flat = self.seen(self, profile).flat
        return tuple(n.iterate(flat[name].detach(), x) for (name, n), x in zip(self.normalised.items(), buffers, strict=True))

    def losses(self, profile: Profile, sample: Sample, buffers: Buffers) -> tuple[Tensor, ...]:
        """Every player's, of one evaluation of what they share."""
        seen = self.seen(self, profile, sample, buffers)
        return tuple(self.player_loss(i, seen) for i in range(len(self.owned)))

    def loss_of(self, i: int, profile: Profile, sample: Sample, buffers: Buffers) -> Tensor:
        """Player i's: only what it asks for is evaluated."""
        return self.player_loss(i, self.seen(self, profile, sample, buffers))
