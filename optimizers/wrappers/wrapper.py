"""What wrappers share: a base optimizer, and what it says of itself."""

from dataclasses import dataclass

from torch import Tensor

from saddlebench.optimizers.optimizer import GameFacts, Optimizer, Oracle, Profile, State, renamed
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.optimizers.traits import TraitsOfCore


@dataclass(frozen=True)
class Wrapper(TraitsOfCore, Optimizer):
    """An optimizer that plays another one inside. Its state is a named tuple whose field ``inner`` is the base's state."""

    base: Optimizer = SimultaneousGradient()  # the optimizer inside

    @property
    def domains(self) -> tuple[str, ...]:
        """Those of the base."""
        return self.base.domains

    @property
    def period(self) -> int:
        """That of the base."""
        return self.base.period

    @property
    def core(self) -> Optimizer:
        """The base."""
        return self.base

    def applies_to(self, game: GameFacts) -> str | None:
        """The base's answer, in the name of the whole."""
        return renamed(self.base.applies_to(game), self.base, self)

    def answers(self, w: Profile, state: State) -> dict[str, Profile]:
        """The base's answers."""
        return self.base.answers(w, state.inner)

    def measures(self, oracle: Oracle, w: Profile, state: State) -> dict[str, Tensor]:
        """The base's measures."""
        return self.base.measures(oracle, w, state.inner)
