"""The contract of an adjustment, and the scheme over an adjusted field."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from saddlebench.optimizers.optimizer import GameFacts, Optimizer, Oracle, Point, Profile, State, renamed
from saddlebench.optimizers.traits import TraitsOfCore


class Adjustment(ABC):
    """Base of all adjustments: a frozen dataclass of hyperparameters."""

    players: int | None = None  # how many players the adjustment is defined for; None: any number

    @property
    def singular_at_rest(self) -> str:
        """Why the adjusted field has no derivative where the field vanishes, or "" if it has."""
        return ""

    @abstractmethod
    def field(self, point: Point) -> Profile:
        """The adjusted field at the linearised game."""


@dataclass(frozen=True)
class Adjusted(TraitsOfCore, Optimizer):
    """A scheme that plays the adjusted field and is unaware of it."""

    adjustment: Adjustment
    scheme: Optimizer

    @property
    def core(self) -> Optimizer:
        """The scheme."""
        return self.scheme

    @property
    def singular_at_rest(self) -> str:
        """That of the adjustment, or else of the scheme."""
        return self.adjustment.singular_at_rest or super().singular_at_rest

    def applies_to(self, game: GameFacts) -> str | None:
        """The number of players must be the adjustment's; the rest is the scheme's answer, in the name of the whole."""
        wanted = self.adjustment.players
        if wanted not in (None, len(game.players)):
            return f"{self.name or type(self).__name__} is defined for {wanted} players, and this game has {len(game.players)}"
        return renamed(self.scheme.applies_to(game), self.scheme, self)

    def init(self, oracle: Oracle, w: Profile) -> State:
        """The scheme's state."""
        return self.scheme.init(oracle.adjusted(self.adjustment.field), w)

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """The scheme's step on the adjusted oracle."""
        return self.scheme.step(oracle.adjusted(self.adjustment.field), w, state)
