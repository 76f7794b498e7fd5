"""The contract of an optimizer: a pure step (profile, state) → (profile, state) that asks an oracle.

An optimizer is composed of exchangeable parts: a *rule* turns one player's gradient into a direction and moves along it
(`saddlebench.optimizers.rules`); an *adjustment* turns the linearised game into another field
(`saddlebench.optimizers.adjustments`); a *scheme* asks the oracle and applies rules (simultaneous, alternating, extragradient,
past extragradient: the files of this folder with a ``rule``). `Composed` names a combination.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Protocol

from torch import Tensor

from saddlebench.optimizers.search import Space
from saddlebench.optimizers.traits import Traits, TraitsOfCore

Profile = tuple[Tensor, ...]
State = Any  # nested (named) tuples of tensors with a run axis


class Point(Protocol):
    """The game linearised at a profile; `saddlebench.bench.oracle.Point` documents each answer."""

    w: Profile
    v: Profile

    def partial(self, i: int, j: int) -> Tensor:
        """∂loss_i/∂w_j."""
        ...

    def vjp(self, u: Sequence[Tensor | None], rows: Sequence[int] | None = None) -> Profile:
        """Jᵀu."""
        ...

    def jvp(self, u: Sequence[Tensor | None], rows: Sequence[int] | None = None, off: bool = False) -> Profile:
        """Ju, or the off-diagonal part of it."""
        ...

    def block(self, i: int, j: int, u: Tensor, transpose: bool = False) -> Tensor:
        """J_ij u, or J_ijᵀ u."""
        ...


class Evaluation(Protocol):
    """A game about to be evaluated; `saddlebench.bench.deformation.Evaluation` documents each answer."""

    @property
    def players(self) -> Sequence[int]:
        """Whose losses are wanted."""
        ...

    @property
    def latents(self) -> Tensor:
        """z."""
        ...

    @property
    def latent_bound(self) -> float | None:
        """Where latents lie."""
        ...

    def losses(self, latents: Tensor | None = None) -> tuple[Tensor, ...]:
        """The wanted players' own losses."""
        ...

    def score(self, latents: Tensor | None = None) -> Tensor:
        """D(G(z))."""
        ...

    def latent_gradient(self, through: Sequence[bool]) -> Tensor:
        """The gradient of the scores with respect to z."""
        ...


class Oracle(Protocol):
    """What an optimizer may ask; `saddlebench.bench.oracle.Oracle` documents each answer."""

    @property
    def differentiable(self) -> bool:
        """Do the answers keep their graph?"""
        ...

    @property
    def zero_sum(self) -> bool:
        """Do the losses sum to zero?"""
        ...

    def field(self, w: Profile) -> Profile:
        """v(w)."""
        ...

    def gradient(self, i: int, w: Profile) -> Tensor:
        """∂loss_i/∂w_i."""
        ...

    def losses(self, w: Profile) -> tuple[Tensor, ...]:
        """Each player's loss."""
        ...

    def project(self, i: int, x: Tensor) -> Tensor:
        """The projection of player i's strategy on its domain."""
        ...

    def at(self, w: Profile) -> Point:
        """The game linearised at w."""
        ...

    def adjusted(self, adjust: Callable[[Any], Profile]) -> "Oracle":
        """A view whose field is an adjusted one."""
        ...

    def evaluation(self, w: Profile) -> Evaluation:
        """The game about to be evaluated at w."""
        ...

    def deformed(self, losses: Callable[[Any], tuple[Tensor, ...]], zero_sum: bool = False) -> "Oracle":
        """A view with other losses in place of the game's."""
        ...

    def fresh(self, committed: Profile | None = None) -> "Oracle":
        """A view at the next sample; buffers advance with a committed profile."""
        ...

    def through(self, i: int, move: Callable[[Any, Profile], Profile], w: Profile) -> Tensor:
        """The total derivative of loss_i through a differentiable move."""
        ...


class GameFacts(Protocol):
    """What `Optimizer.applies_to` may know of a game."""

    @property
    def players(self) -> tuple[str, ...]:
        """The players' names."""
        ...

    @property
    def domain(self) -> tuple[Any, ...]:
        """Each player's domain."""
        ...

    @property
    def zero_sum(self) -> bool:
        """Do the losses sum to zero?"""
        ...

    @property
    def follower_curvature(self) -> bool:
        """Can the second player's Hessian in its own strategy be inverted, as far as the game knows?"""
        ...

    stochastic: bool
    has_latents: bool


class Optimizer(Traits, ABC):
    """Base of all optimizers: a frozen dataclass of hyperparameters, in the catalogue by its ``name``.

    `search` has ranges for tuning where those of the parameters' words and types do not suit the method.
    """

    name = ""
    paper = ""
    cost = ""
    search: ClassVar[Space] = {}

    @property
    def domains(self) -> tuple[str, ...]:
        """Where the method is defined. Unconstrained by default: a plain step leaves the simplex without an error."""
        return ("unconstrained",)

    @property
    def period(self) -> int:
        """Steps in one cycle of the method; the spectrum is that of a whole cycle."""
        return 1

    def applies_to(self, game: GameFacts) -> str | None:
        """None, or the reason why this optimizer is not applicable to the game."""
        outside = sorted(set(game.domain) - set(self.domains))
        if outside:
            name = self.name or type(self).__name__
            return f"{name} plays {' or '.join(self.domains)} strategies, and this game's are {' or '.join(outside)}"
        return None

    def init(self, oracle: Oracle, w: Profile) -> State:
        """The state before the first step from ``w``."""
        return ()

    @abstractmethod
    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """One step."""

    def answers(self, w: Profile, state: State) -> dict[str, Profile]:
        """The profiles that are evaluated: the last iterate, and averages where the method keeps them."""
        return {"last": w}

    def measures(self, oracle: Oracle, w: Profile, state: State) -> dict[str, Tensor]:
        """What the method says of itself at a checkpoint, on a sample no step draws: name → ``(runs,)``; by default nothing."""
        return {}


class Composed(TraitsOfCore, Optimizer):
    """An optimizer that is a named combination of others: `parts` builds it, everything else is forwarded to it."""

    @abstractmethod
    def parts(self) -> Optimizer:
        """The combination."""

    @cached_property
    def _whole(self) -> Optimizer:
        return self.parts()

    @property
    def period(self) -> int:
        """That of the combination."""
        return self._whole.period

    @property
    def core(self) -> Optimizer:
        """The combination."""
        return self._whole

    def applies_to(self, game: GameFacts) -> str | None:
        """The combination's answer, in this optimizer's name."""
        return renamed(self._whole.applies_to(game), self._whole, self)

    def init(self, oracle: Oracle, w: Profile) -> State:
        """The combination's state."""
        return self._whole.init(oracle, w)

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """The combination's step."""
        return self._whole.step(oracle, w, state)

    def answers(self, w: Profile, state: State) -> dict[str, Profile]:
        """The combination's answers."""
        return self._whole.answers(w, state)

    def measures(self, oracle: Oracle, w: Profile, state: State) -> dict[str, Tensor]:
        """The combination's measures."""
        return self._whole.measures(oracle, w, state)


def renamed(reason: str | None, part: Optimizer, whole: Optimizer) -> str | None:
    """A part's reason in the name of the optimizer that holds it: a user who ran ``whole`` never heard of ``part``."""
    return reason and reason.replace(part.name or type(part).__name__, whole.name or type(whole).__name__, 1)
