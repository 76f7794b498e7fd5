"""Alternating play: players move one after another, each answering the others' newest strategies."""

from dataclasses import dataclass

from saddlebench.errors import InputError
from saddlebench.optimizers.optimizer import GameFacts, Oracle, Profile, State
from saddlebench.optimizers.scheme import Scheme


@dataclass(frozen=True)
class AlternatingGradient(Scheme):
    """x⁺ = x − η_x d(∂f(x, y)/∂x), then y⁺ = y − η_y d(∂g(x⁺, y)/∂y) (Gauss–Seidel).

    ``schedule`` lists the players in the order of their moves, one of them repeated where it moves more than once: 1,1,1,1,1,0
    gives a GAN's discriminator (player 1) five moves before the generator's one (Goodfellow et al. 2014). Every move asks at a
    fresh sample. The default is every player once, in the game's order.
    """

    name = "alternating-gradient"
    paper = "classic; Gidel et al. 2019; Zhang & Yu 2020"
    cost = "1 gradient"

    schedule: tuple[int, ...] | None = None  # players in the order of their moves

    def applies_to(self, game: GameFacts) -> str | None:
        """Every player must move, and only the game's players can.

        Raises:
            InputError: the schedule names a player that the game does not have.
        """
        if self.schedule is not None and not set(self.schedule) <= set(range(len(game.players))):
            raise InputError(f"schedule {list(self.schedule)} names a player outside 0…{len(game.players) - 1}")
        return super().applies_to(game)

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """One gradient and one move a turn."""
        profile, states = list(w), list(state)
        for turn, i in enumerate(self.schedule or range(len(w))):
            if turn:
                oracle = oracle.fresh(committed=tuple(profile))
            gradient = oracle.gradient(i, tuple(profile))
            profile[i], states[i] = self.move(oracle, i, profile[i], gradient, states[i])
        return tuple(profile), tuple(states)
