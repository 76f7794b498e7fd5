"""Small games on which optimizers are checked: not for benchmarks, but to bring faults to light.

`Arena` is nonlinear, so that second derivatives differ from point to point, and contracting, so that rounding does not grow.
`TinyGAN` is a stochastic game of networks in float32 whose buffers move.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from saddlebench.bench.contracts.finding import NotApplicable
from saddlebench.games.domains import project_simplex
from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Domain, Game, Profile
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.parameters import PositiveScalar


@dataclass(frozen=True)
class Arena(Game):
    """loss_i = ½μ‖w_i‖² + Σ_{j≠i} a(w_i)ᵀ M_ij a(w_j), a(t) = t + ¼ sin t; generic fixed matrices M_ij.

    Where zero-sum, of two players, loss_1 has −½μ‖w_2‖² too and loss_2 = −loss_1.
    """

    name = "arena"

    sizes: tuple[int, ...] = (3, 2)  # pyright: ignore[reportIncompatibleMethodOverride] - a field here
    zero_sum: bool = True  # pyright: ignore[reportIncompatibleMethodOverride] - a field here
    where: Domain = "unconstrained"
    dtype: str = "float64"
    curvature: PositiveScalar = 0.6  # μ

    @property
    def players(self) -> tuple[str, ...]:
        """Numbered."""
        return tuple(f"player {i}" for i in range(len(self.sizes)))

    @property
    def domain(self) -> tuple[Domain, ...]:
        """The same for all."""
        return (self.where,) * len(self.sizes)

    @property
    def title(self) -> str:
        """How messages call it."""
        kind = "zero-sum" if self.zero_sum else "general-sum"
        domain = "" if self.where == "unconstrained" else f" on the {self.where}"
        return f"a {self.dtype} {kind} game of {len(self.sizes)} players{domain}"

    def initial(self, seeds: Tensor) -> Profile:
        """Generic points of the domain."""
        drawn = (normal(seeds, f"arena {i}", size, dtype=getattr(torch, self.dtype)) for i, size in enumerate(self.sizes))
        into = {"simplex": lambda x: x.softmax(-1), "box": lambda x: x.tanh() * 0.9}.get(self.where, lambda x: x)
        return tuple(into(x) for x in drawn)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """As in the class's formula."""
        bent = [w + w.sin() / 4 for w in profile]
        own = [self.curvature / 2 * (w * w).sum(-1) for w in profile]
        if self.zero_sum:
            value = own[0] - own[1] + self._coupling(bent, 0, 1)
            return value, -value
        players = range(len(profile))
        return tuple(own[i] + sum(self._coupling(bent, i, j) for j in players if j != i) for i in players)

    def _coupling(self, bent: list[Tensor], i: int, j: int) -> Tensor:
        x, y = bent[i], bent[j]
        count = torch.arange(x.shape[-1] * y.shape[-1], dtype=torch.float64).view(x.shape[-1], -1)
        # any fixed generic matrix; for i > j about the negative transpose, so that the game turns more than it grows
        sign = 1.0 if i < j else -1.0
        count = count if i < j else count.view(y.shape[-1], -1).mT
        matrix = sign * 0.5 * (1.3 * count + 0.7 + (i + j) + 0.1 * (i > j)).cos()
        return ((x @ matrix.to(x)) * y).sum(-1)

    def project(self, i: int, x: Tensor) -> Tensor:
        """On the simplex or on [−1, 1]."""
        if self.where == "simplex":
            return project_simplex(x)
        return x.clamp(-1, 1) if self.where == "box" else x


@dataclass(frozen=True)
class TinyGAN(Game):
    """A generator scale·z + shift in the plane against D(x) = a·tanh(Bx + c), non-saturating logistic losses.

    The discriminator also pays ‖Bu‖²/20, where u is a power-iteration vector: the game's buffer.
    """

    name = "tiny-gan"
    stochastic = True
    has_latents = True
    points, hidden = 8, 4

    dtype: str = "float32"

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"a small stochastic GAN in {self.dtype}"

    @property
    def players(self) -> tuple[str, ...]:
        """Generator and discriminator."""
        return ("generator", "discriminator")

    @property
    def follower_curvature(self) -> bool:
        """No: it is that of a network, nearly singular and indefinite, where solves in float32 amplify rounding."""
        return False

    @property
    def sizes(self) -> tuple[int, ...]:
        """Scale and shift; a, c and B."""
        return (4, 4 * self.hidden)

    def initial(self, seeds: Tensor) -> Profile:
        """Normal by seed."""
        dtype = getattr(torch, self.dtype)
        return tuple(normal(seeds, name, n, dtype=dtype) / 2 for name, n in zip(self.players, self.sizes, strict=True))

    def sample(self, seeds: Tensor, step: int, draw: int) -> tuple[Tensor, ...]:
        """Latents and data, ``(runs, points, 2)``."""
        numbers = normal(seeds, "tiny-gan", 4 * self.points, step, draw, getattr(torch, self.dtype)).view(-1, 2, self.points, 2)
        return numbers[:, 1], numbers[:, 0] * 0.3 + 1

    def latents(self, sample: tuple[Tensor, ...]) -> Tensor:
        """The latents of a sample."""
        return sample[0]

    def with_latents(self, sample: tuple[Tensor, ...], latents: Tensor) -> tuple[Tensor, ...]:
        """The sample with other latents."""
        return latents, sample[1]

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        """The power-iteration vector."""
        return (torch.full_like(profile[1][:, :2], 0.5**0.5),)

    def advance(self, profile: Profile, buffers: Buffers) -> Buffers:
        """One power iteration on BᵀB."""
        weight = self._weight(profile[1])
        ahead = (weight.mT @ (weight @ buffers[0][..., None]))[..., 0]
        return (ahead / ahead.norm(dim=-1, keepdim=True).clamp_min(1e-6),)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(−log σ(D(G(z))), −log σ(D(x)) − log(1 − σ(D(G(z)))) + ‖Bu‖²/20)."""
        on_fake, on_data = self.score(profile, sample), self._discriminate(profile[1], sample[1])
        penalty = (self._weight(profile[1]) @ buffers[0][..., None]).square().sum((1, 2)) / 20
        return softplus(-on_fake).mean(-1), (softplus(-on_data) + softplus(on_fake)).mean(-1) + penalty

    def score(self, profile: Profile, sample: tuple[Tensor, ...], buffers: Buffers = ()) -> Tensor:
        """D(G(z)), ``(runs, points)``."""
        generator = profile[0][:, None]
        return self._discriminate(profile[1], self.latents(sample) * generator[..., :2] + generator[..., 2:])

    def _weight(self, w: Tensor) -> Tensor:
        return w[:, 2 * self.hidden :].view(-1, self.hidden, 2)

    def _discriminate(self, w: Tensor, x: Tensor) -> Tensor:
        a, c = w[:, : self.hidden, None], w[:, None, self.hidden : 2 * self.hidden]
        return (torch.baddbmm(c, x, self._weight(w).mT).tanh() @ a)[..., 0]


def arenas(optimizer: Optimizer, dtype: str = "float64") -> list[Arena | TinyGAN]:
    """The arenas to which the optimizer applies; the small GAN only for a method that asks for one.

    Raises:
        NotApplicable: none, with the optimizer's own reason.
    """
    reasons: dict[Arena | TinyGAN, str | None] = {arena: optimizer.applies_to(arena) for arena in _all(dtype)}
    if None not in reasons.values():
        reasons[TinyGAN(dtype)] = optimizer.applies_to(TinyGAN(dtype))
    found = [arena for arena, reason in reasons.items() if reason is None]
    if not found:
        why = "; ".join(dict.fromkeys(map(str, reasons.values())))
        raise NotApplicable(f"it applies to none of the games of this check: {why}")
    return found


def _all(dtype: str) -> Iterator[Arena]:
    for where in ("unconstrained", "simplex", "box"):
        yield Arena(where=where, dtype=dtype)
    yield Arena(zero_sum=False, dtype=dtype)
    yield Arena((2, 3, 2), zero_sum=False, dtype=dtype)
