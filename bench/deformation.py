"""Other losses in place of a game's: a method that deforms the game it plays, and leaves the step to another optimizer.

Such losses are a function of an `Evaluation`, which answers the game's own losses and scores at latents of the method's choosing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from saddlebench.games.game import Buffers, Game, Profile


@dataclass(frozen=True)
class Evaluation:
    """A game about to be evaluated at a profile and a sample.

    Attributes:
        game: the game.
        profile: what the players' gradients are taken with respect to.
        outside: the same profile without the players' gradients; the derivative of a whole step sees it.
        sample: or a part of it, where the game evaluates its samples in parts.
        buffers: of the oracle's view.
        players: whose losses are wanted, in this order.
        through: filled in where a latent gradient is asked: does each player's gradient go through it?
    """

    game: Game
    profile: Profile
    outside: Callable[[], Profile]
    sample: Any
    buffers: Buffers
    players: Sequence[int]
    through: list[bool] = field(default_factory=list)

    @property
    def latents(self) -> Tensor:
        """z, ``(runs, batch, latent)``, in the profile's dtype."""
        return self.game.latents(self.sample).to(self.profile[0].dtype)

    @property
    def latent_bound(self) -> float | None:
        """Latents lie in [−bound, bound]; None: anywhere."""
        return self.game.latent_bound

    def losses(self, latents: Tensor | None = None) -> tuple[Tensor, ...]:
        """The game's own losses ``(runs,)`` of the wanted players, at other latents where they are given."""
        sample = self.sample if latents is None else self.game.with_latents(self.sample, latents)
        if len(self.players) == 1:
            return (self.game.loss_of(self.players[0], self.profile, sample, self.buffers),)
        found = self.game.losses(self.profile, sample, self.buffers)
        return tuple(found[i] for i in self.players)

    def score(self, latents: Tensor | None = None) -> Tensor:
        """D(G(z)), ``(runs, batch)``."""
        sample = self.sample if latents is None else self.game.with_latents(self.sample, latents)
        return self.game.score(self.profile, sample, self.buffers)

    def latent_gradient(self, through: Sequence[bool]) -> Tensor:
        """∂ Σ_j D(G(z_j)) / ∂z, ``(runs, batch, latent)``, with its graph.

        Args:
            through: for each player whether its gradient goes through the answer; where not, the player's strategy is that of
                ``outside``, so that a step's Jacobian still sees how the answer depends on it.
        """
        self.through[:] = through
        stopped = self.profile if all(through) else self.outside()
        profile = tuple(x if t else y for x, y, t in zip(self.profile, stopped, through, strict=True))
        z = self.latents.detach().requires_grad_()
        with torch.enable_grad():
            score = self.game.score(profile, self.game.with_latents(self.sample, z), self.buffers)
        kept = any(x.requires_grad for x in profile)
        return torch.autograd.grad(score.sum(), z, create_graph=kept)[0]


@dataclass(frozen=True)
class Deformation:
    """Losses in place of the game's.

    Attributes:
        losses: of the players that the evaluation wants, in their order.
        zero_sum: do they sum to zero?
    """

    losses: Callable[[Evaluation], tuple[Tensor, ...]]
    zero_sum: bool = False

    def of(self, evaluation: Evaluation) -> tuple[Tensor, ...]:
        """The losses, on parts of the sample one at a time where the game evaluates its own so."""
        return evaluation.game.in_parts(lambda part: self.losses(_with(evaluation, part)), evaluation.sample)


def _with(evaluation: Evaluation, sample: Any) -> Evaluation:
    e = evaluation
    return Evaluation(e.game, e.profile, e.outside, sample, e.buffers, e.players, e.through)
