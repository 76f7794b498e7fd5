"""Domain-adversarial training of networks, as a game."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import torch
from torch import Tensor
from torch.nn.functional import softplus

from saddlebench.games.adaptation import Adaptation, class_loss, proxy_distance
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.network_game import AnyNetwork, Networks
from saddlebench.games.networks.mlp import MLP
from saddlebench.parameters import Count


class Judged(Networks):
    """The three networks on a sample of both domains."""

    @cached_property
    def source(self) -> Tensor:
        """Features of the source, ``(runs, batch, features)``."""
        return self.featured(self.sample.source)

    @cached_property
    def target(self) -> Tensor:
        """Features of the target."""
        return self.featured(self.sample.target)

    def featured(self, x: Tensor) -> Tensor:
        """f(x)."""
        return self("features", x).relu() if self.game.images else self("features", x).tanh()

    @cached_property
    def domain_loss(self) -> Tensor:
        """L_d = E sp(D(f(x_s))) + E sp(−D(f(x_t)))."""
        source, target = (self("domain", h).squeeze(-1) for h in (self.source, self.target))
        return softplus(source).mean(-1) + softplus(-target).mean(-1)

    @cached_property
    def label_loss(self) -> Tensor:
        """L_y: cross-entropy on the labelled domain."""
        if self.game.labelled == "target":
            return class_loss(self("labels", self.target), self.sample.hidden)
        return class_loss(self("labels", self.source), self.sample.labels)


@dataclass(frozen=True)
class DANN(Adaptation):
    """Features f and labels y minimise L_y − λ L_d, the domain classifier d minimises L_d (Ganin et al. 2016).

    L_y = E −log y(f(x_s))[label], L_d = E sp(D(f(x_s))) + E sp(−D(f(x_t))) with D the logit of "target". Gradient reversal is
    no layer: it is that the first player's loss has −λ L_d, and any optimizer plays the game. λ(p) = weight·(2/(1 + e^{−10p}) − 1)
    with p = step/anneal, at most 1. In the paper f and y have a loss each; L_d does not depend on y, so they are one player.

    ``weight = 0`` is the source-only row, ``weight = 0, labelled = target`` the one trained on the target's labels: adaptation is
    judged by its ``target_accuracy`` between theirs. ``proxy_a_distance`` is 2(1 − 2ε) of a linear classifier of the features'
    domains that is fitted on unseen samples, not of d; ``domain_accuracy`` is d's own.

    Raises:
        InputError: a batch larger than the data.
    """

    name = "dann"
    paper = "Ganin et al. 2016"
    default_steps = 2000
    seen = Judged

    anneal: Count = 2000  # steps in which λ rises to its full weight
    labelled: Literal["source", "target"] = "source"  # the domain whose labels are learnt

    @classmethod
    def small(cls) -> Self:
        """Moons, three units."""
        return cls(width=3, features=3, batch=5, anneal=5)

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, AnyNetwork]]:
        """Features and labels; domain."""
        n = self.features
        labels, domain = MLP((n, self.classes)), MLP((n, n, 1))
        return {"predictor": {"features": self.encoder(n), "labels": labels}, "domain": {"domain": domain}}

    def strength(self, step: int) -> float:
        """λ."""
        return self.weight * (2 / (1 + math.exp(-10 * min(step / self.anneal, 1.0))) - 1)

    def player_loss(self, i: int, seen: Judged) -> Tensor:
        """L_y − λ L_d, L_d."""
        if i:
            return seen.domain_loss
        strength = self.strength(seen.sample.step)
        return seen.label_loss - strength * seen.domain_loss if strength else seen.label_loss

    def predictions(self, seen: Judged, x: Tensor) -> Tensor:
        """y(f(x))."""
        return seen("labels", seen.featured(x))

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """Accuracies of labels and of domains, and the distance of the domains' features."""
        with torch.no_grad():
            seen = Judged(self, profile, self.held_out(seeds))
            found = super().measures(profile, seeds, buffers)
            source, target = (seen("domain", h).squeeze(-1) for h in (seen.source, seen.target))
            right = ((source < 0).to(source.dtype).mean(-1) + (target > 0).to(source.dtype).mean(-1)) / 2
            return found | {"domain_accuracy": right, "proxy_a_distance": proxy_distance(seen.source, seen.target)}
