"""The contract of a game.

A game has n players; player i minimises ``loss_i`` over its own flat strategy w_i. A profile is a tuple with one tensor a
player, of shape ``(runs, size of the player)``: runs are independent copies of the game that step together. The field is
v(w) = (∂loss_1/∂w_1, …, ∂loss_n/∂w_n) and J = ∂v/∂w its Jacobian.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal, Self

import torch
from torch import Tensor

Profile = tuple[Tensor, ...]
Sample = Any  # a tuple of tensors with a run axis, or None
Buffers = tuple[Tensor, ...]
Domain = Literal["unconstrained", "simplex", "box"]


class Game(ABC):
    """Base of all games: a frozen dataclass of its parameters, in the catalogue by its ``name``.

    A game must define `players`, `sizes`, `initial` and `losses`; everything else has the default of a deterministic,
    unconstrained game about which nothing more is known.
    """

    name = ""
    paper = ""
    dtype = "float64"  # networks use float32
    stochastic = False  # does a loss depend on a sample?
    smooth = True  # is the field differentiable at the equilibrium? If not, `spectrum_reason` says why there is no spectrum
    spectrum_reason = ""
    no_solution = ""  # why the point that `equilibrium` names is none: a critical point that good methods leave ("a maximum of …")
    default_steps = 1000
    has_latents = False  # are there the three members at the end, which methods that move latents ask for?
    cross_replica = False  # do statistics of a batch span the processes that share it? Else they are each process's own
    image_measures = ""  # the measures of its samples, where they are images: "mnist"

    @classmethod
    def small(cls) -> Self:
        """A setting small enough for the contract test; a game of networks or of much data overrides it."""
        return cls()

    @property
    @abstractmethod
    def players(self) -> tuple[str, ...]:
        """The players' names, in the order of the profile."""

    @property
    @abstractmethod
    def sizes(self) -> tuple[int, ...]:
        """The size of each player's flat strategy."""

    @property
    def domain(self) -> tuple[Domain, ...]:
        """Each player's domain."""
        return ("unconstrained",) * len(self.players)

    @property
    def zero_sum(self) -> bool:
        """Do the losses sum to zero for every profile?"""
        return False

    @property
    def follower_curvature(self) -> bool:
        """Can the second player's Hessian in its own strategy be inverted, as far as is known, near the equilibrium?

        Only the game can tell an optimizer that solves with it, before a step is taken: False where it is known to be singular.
        """
        return True

    def ready(self) -> None:  # noqa: B027 - a game that needs nothing is always ready
        """Called before anything runs.

        Raises:
            InputError: the game cannot be played here: a data set is missing.
        """

    @property
    def seeded(self) -> bool:
        """Does the game itself, not only its start, depend on the seed?"""
        return self.stochastic

    @abstractmethod
    def initial(self, seeds: Tensor) -> Profile:
        """The start of each run, from int64 ``seeds`` of shape ``(runs,)``."""

    def sample(self, seeds: Tensor, step: int, draw: int) -> Sample:
        """The minibatch and noise of one evaluation: the draw-th of this step. Deterministic games have none."""
        return None

    def parts(self, sample: Sample, count: int) -> list[Sample] | None:
        """The sample as ``count`` equal parts, the mean of whose losses is the whole's; None: it has no parts.

        Raises:
            InputError: its size is no multiple of ``count``.
        """
        return None

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        """Tensors that are carried but never optimised: per-run constants, power-iteration vectors."""
        return ()

    def advance(self, profile: Profile, buffers: Buffers) -> Buffers:
        """The buffers after a committed move to ``profile``."""
        return buffers

    @abstractmethod
    def losses(self, profile: Profile, sample: Sample, buffers: Buffers) -> tuple[Tensor, ...]:
        """Each player's loss, a tensor ``(runs,)`` a player."""

    def loss_of(self, i: int, profile: Profile, sample: Sample, buffers: Buffers) -> Tensor:
        """Player i's loss ``(runs,)``; overridden where it is cheaper than all losses."""
        return self.losses(profile, sample, buffers)[i]

    # A game with a closed form overrides both of the following; autograd of the losses serves all others.

    def field(self, profile: Profile, sample: Sample, buffers: Buffers) -> Profile | None:
        """v(w) in closed form; None: there is none."""
        return None

    def block(
        self, i: int, j: int, profile: Profile, sample: Sample, buffers: Buffers, u: Tensor, transpose: bool
    ) -> Tensor | None:
        """J_ij u, or J_ijᵀ u, in closed form, J_ij = ∂²loss_i/∂w_i∂w_j; None: there is none."""
        return None

    def project(self, i: int, x: Tensor) -> Tensor:
        """The Euclidean projection of player i's strategy on its domain."""
        return x

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """A known equilibrium of each run's game, or None."""
        return None

    def null_directions(self, seeds: Tensor) -> Tensor | None:
        """Orthonormal directions ``(runs, k, total size)`` along which equilibria form a manifold, or None.

        `spectral_radius_transverse` and the distance to equilibrium leave them out.
        """
        return None

    def equilibrium_distance(self, profile: Profile, seeds: Tensor) -> Tensor | None:
        """The Euclidean distance ``(runs,)`` of a profile to the nearest equilibrium; None: no equilibrium is known.

        By default to `equilibrium`, without `null_directions`. A game of several equilibria, or of a manifold of them that bends,
        names none as its equilibrium and overrides this.
        """
        rest = self.equilibrium(seeds)
        return None if rest is None else distance_to(profile, torch.cat(rest, -1), self.null_directions(seeds))

    def gap(self, profile: Profile, buffers: Buffers) -> Tensor | None:
        """The duality gap (exploitability) ``(runs,)`` ≥ 0, where the game can compute it."""
        return None

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """The game's own measures of a profile: name → ``(runs,)``."""
        return {}

    def samples(self, profile: Profile, seeds: Tensor, n: int, buffers: Buffers = ()) -> Tensor | None:
        """``(runs, n, …)`` generated points or images in [−1, 1], from latents fixed by seed; None: the game generates nothing."""
        return None

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """The game's own pictures, beside the grid of `samples`: strips over codes, translations, domains.

        Name in kebab-case → images in [−1, 1], ``(runs, rows, columns, side, side)`` in grey or ``(runs, rows, columns, channels,
        side, side)``, drawn row by row. They are made once, of a run's last profile, and the report shows
        them, described by the first paragraph of the docstring of the method that makes them.
        """
        return {}

    def clouds(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, dict[str, Tensor]]:
        """The same for points in the plane: name → label → points ``(runs, n, 2)``, one scatter plot a name, one colour a label."""
        return {}

    # Of games with latents.

    @property
    def latent_bound(self) -> float | None:
        """Latents lie in [−bound, bound]; None: anywhere."""
        return None

    def latents(self, sample: Sample) -> Tensor:
        """The latents of a sample, ``(runs, batch, latent)``."""
        raise NotImplementedError

    def with_latents(self, sample: Sample, latents: Tensor) -> Sample:
        """The sample with other latents."""
        raise NotImplementedError

    def score(self, profile: Profile, sample: Sample, buffers: Buffers = ()) -> Tensor:
        """D(G(z)) of the sample's latents, ``(runs, batch)``."""
        raise NotImplementedError

    def in_parts(self, losses: Callable[[Sample], tuple[Tensor, ...]], sample: Sample) -> tuple[Tensor, ...]:
        """Losses made of the game's own, evaluated on parts of the sample one at a time where the game does so itself."""
        return losses(sample)


def distance_to(profile: Profile, rest: Tensor, null: Tensor | None) -> Tensor:
    """‖w − w*‖ without the null directions, along which equilibria form a manifold.

    Args:
        profile: of ``(copies · runs)`` runs.
        rest: w*, ``(runs, total size)``.
        null: orthonormal directions ``(runs, k, total size)``, or None.
    """
    gap = torch.cat(profile, -1).view(-1, *rest.shape) - rest.to(profile[0])
    if null is not None:
        null = null.to(gap)
        gap = gap - (null.mT @ (null @ gap[..., None])).squeeze(-1)
    return gap.norm(dim=-1).flatten()
