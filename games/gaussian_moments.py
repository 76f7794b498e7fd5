"""GANs that learn one moment of a Gaussian: its mean by a linear discriminator, its covariance by a quadratic one."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.game import Game, Profile
from saddlebench.games.linear import as_matrix
from saddlebench.games.starts import point, start_or_normal
from saddlebench.parameters import Count, Matrix, NonNegativeScalar, Vector

Batch = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class MomentGAN(Game):
    """A generator against a discriminator, exactly or on minibatches."""

    batch: Batch = 0  # points a draw; 0: the expectation

    @property
    def players(self) -> tuple[str, ...]:
        """Generator and discriminator."""
        return ("generator", "discriminator")

    @property
    def stochastic(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride] - depends on the parameters here
        """With minibatches."""
        return self.batch > 0

    @property
    def follower_curvature(self) -> bool:
        """No: the discriminator is linear in its parameters."""
        return False

    def _draw(self, seeds: Tensor, step: int, draw: int, size: int) -> tuple[Tensor, Tensor]:
        """Standard normal data and latents, ``(runs, batch, size)`` each."""
        drawn = normal(seeds, "sample", 2 * self.batch * size, step, draw).view(-1, 2, self.batch, size)
        return drawn[:, 0], drawn[:, 1]


@dataclass(frozen=True)
class GaussianMeanGAN(MomentGAN):
    """f(θ, w) = ⟨w, E x − E(z + θ)⟩ with x ~ N(v, I), z ~ N(0, I): the generator adds θ, the linear discriminator is w.

    Daskalakis, Ilyas, Syrgkanis, Zeng, ICLR 2018. In expectation f = ⟨w, v − θ⟩: bilinear with A = −I, equilibrium θ = v, w = 0,
    eigenvalues ±i. ``batch`` > 0 plays it on minibatches, whose noise moves the field by N(0, 2I/batch).
    """

    name = "gaussian-mean-gan"
    paper = "Daskalakis et al. 2018"

    mean: Vector = (3.0, 4.0)  # v; this default is ours
    start: Vector | None = None  # (θ, w) of every run; None: standard normal by seed

    def __post_init__(self) -> None:
        if not self.mean:
            raise InputError(f"{self.name}: mean is empty")
        if self.start is not None and len(self.start) != sum(self.sizes):
            raise InputError(f"{self.name}: start has {len(self.start)} numbers, and the players have {sum(self.sizes)}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Those of v."""
        return (len(self.mean), len(self.mean))

    @property
    def zero_sum(self) -> bool:
        """Yes."""
        return True

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal by seed, or the given start."""
        return start_or_normal(self.start, self.sizes, seeds)

    def sample(self, seeds: Tensor, step: int, draw: int) -> Any:
        """The mean of the data minus that of the latents, ``(runs, size)``."""
        if not self.batch:
            return None
        data, latents = self._draw(seeds, step, draw, len(self.mean))
        return (data.mean(1) - latents.mean(1) + torch.tensor(self.mean, dtype=torch.float64, device=seeds.device),)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(f, −f)."""
        theta, w = profile
        target = sample[0].to(theta) if sample else torch.tensor(self.mean, dtype=theta.dtype, device=theta.device)
        value = (w * (target - theta)).sum(-1)
        return value, -value

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """(v, 0)."""
        return point((*self.mean, *(0.0 for _ in self.mean)), self.sizes, seeds)


@dataclass(frozen=True)
class CovarianceGAN(MomentGAN):
    """f(V, W) = Σ_ij W_ij (Σ − VVᵀ)_ij: the generator makes Vz, z ~ N(0, I), the discriminator is xᵀWx; W also pays (λ/2)‖W‖².

    Schäfer & Anandkumar, NeurIPS 2019, with d = 20 and 60; Fiez et al., ICML 2020, with λ > 0. Equilibria
    are VVᵀ = Σ, W + Wᵀ = 0, a manifold for d > 1: V is fixed up to an orthogonal factor, W (where λ = 0) up to a skew part.
    Transverse to it J has the eigenvalues ±i√(2(s_i + s_j)), i ≤ j, of Σ's eigenvalues s for λ = 0: ±2σi where d = 1.

    Distances leave out declared null directions, and these are straight where the orbit of V bends. ``start="commuting"`` therefore
    draws V_0 positive definite and W_0 symmetric, both with the eigenvectors of Σ: in expectation every iterate of a method that
    treats all entries alike keeps them, so the run can end at (Σ^½, 0) only, the equilibrium that it is judged by.
    ``start="normal"`` draws all entries from N(0, 1): where on the orbit such a run ends is not known beforehand, no equilibrium is
    named, and the distance is that to the nearest one, V to Σ^½O by Procrustes. ``covariance_error`` is ‖VVᵀ − Σ‖_F.
    """

    name = "covariance-gan"
    paper = "Schäfer & Anandkumar 2019; Fiez et al. 2020"

    covariance: Matrix | None = None  # Σ; None: diagonal, log-spaced from 1 down to 1/condition_number
    size: Count = 1  # d, where no covariance is given
    condition_number: Annotated[float, Field(ge=1)] = 4.0  # of the diagonal covariance
    penalty: NonNegativeScalar = 0.0  # λ
    start: Literal["commuting", "normal"] = "commuting"  # how V and W are drawn

    def __post_init__(self) -> None:
        sigma = self._sigma
        if sigma.shape[0] != sigma.shape[1] or not torch.equal(sigma, sigma.mT) or float(self._eigen[0].min()) <= 0:
            raise InputError(f"{self.name}: covariance must be symmetric and positive definite")

    @cached_property
    def _sigma(self) -> Tensor:
        if self.covariance is not None:
            return as_matrix(self.covariance, "covariance")
        decay = torch.linspace(0, 1, self.size, dtype=torch.float64) if self.size > 1 else torch.zeros(1, dtype=torch.float64)
        return torch.diag(self.condition_number**-decay)

    @cached_property
    def _eigen(self) -> tuple[Tensor, Tensor]:
        values, vectors = torch.linalg.eigh(self._sigma)
        return values, vectors

    @cached_property
    def _root(self) -> Tensor:
        values, vectors = self._eigen
        return vectors @ torch.diag(values.sqrt()) @ vectors.mT

    @property
    def sizes(self) -> tuple[int, ...]:
        """V and W, row by row."""
        return (self._sigma.numel(), self._sigma.numel())

    @property
    def follower_curvature(self) -> bool:
        """With a penalty: without one the discriminator is linear in its parameters."""
        return self.penalty > 0

    @property
    def zero_sum(self) -> bool:
        """Without a penalty."""
        return self.penalty == 0

    def initial(self, seeds: Tensor) -> Profile:
        """As ``start`` says."""
        values, vectors = (x.to(seeds.device) for x in self._eigen)
        if self.start == "normal":
            return start_or_normal(None, self.sizes, seeds)
        drawn = normal(seeds, "initial", 2 * len(values)).split(len(values), -1)
        parts = ((vectors * x[:, None]) @ vectors.mT for x in (drawn[0].abs(), drawn[1]))
        return tuple(x.flatten(1) for x in parts)

    def sample(self, seeds: Tensor, step: int, draw: int) -> Any:
        """Second moments of data and latents, ``(runs, d, d)``."""
        if not self.batch:
            return None
        data, latents = (x.mT @ x / self.batch for x in self._draw(seeds, step, draw, len(self._sigma)))
        root = self._root.to(seeds.device)
        return root @ data @ root, latents

    def _matrices(self, profile: Profile) -> tuple[Tensor, Tensor, Tensor]:
        """V, W, Σ."""
        v, w = (x.unflatten(-1, self._sigma.shape) for x in profile)
        return v, w, self._sigma.to(v)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(f, −f + (λ/2)‖W‖²)."""
        v, w, sigma = self._matrices(profile)
        fake = v @ v.mT if sample is None else v @ sample[1].to(v) @ v.mT
        value = (w * ((sigma if sample is None else sample[0].to(v)) - fake)).sum((-2, -1))
        return value, -value + self.penalty / 2 * w.square().sum((-2, -1))

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """(Σ^½, 0), where the start leads there."""
        if self.start == "normal" and len(self._sigma) > 1:
            return None
        if self.start == "normal":  # V never changes its sign along the flow
            sign = self.initial(seeds)[0].sign()
            return sign * self._root.to(seeds.device)[0], torch.zeros_like(sign)
        root = self._root.flatten()
        return point(torch.cat((root, torch.zeros_like(root))), self.sizes, seeds)

    def equilibrium_distance(self, profile: Profile, seeds: Tensor) -> Tensor | None:
        """‖(V − Σ^½O, W)‖ with the orthogonal O = ABᵀ of Σ^½V = ADBᵀ; of W, where λ = 0, the symmetric part alone."""
        v, w, _ = self._matrices(profile)
        root = self._root.to(v)
        broken = ~v.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)  # one NaN would fail the whole batch
        a, _, bt = torch.linalg.svd(torch.where(broken, 0.0, root @ v))
        rest = torch.where(broken, torch.nan, v - root @ (a @ bt))
        moved = (w + w.mT) / 2 if self.penalty == 0 else w
        return (rest.square() + moved.square()).sum((-2, -1)).sqrt()

    def null_directions(self, seeds: Tensor) -> Tensor | None:
        """Σ^½Ω for V, and Ω for W where λ = 0, Ω skew; None where d = 1 or no equilibrium is named."""
        d = len(self._sigma)
        if d == 1 or self.start == "normal":
            return None
        pairs = [(i, j) for i in range(d) for j in range(i)]
        skew = torch.zeros(len(pairs), d, d, dtype=torch.float64)
        for k, (i, j) in enumerate(pairs):
            skew[k, i, j], skew[k, j, i] = 0.5**0.5, -(0.5**0.5)
        turned = torch.linalg.qr((self._root @ skew).flatten(1).mT).Q.mT
        blocks = [torch.nn.functional.pad(turned, (0, d * d))]
        blocks += [torch.nn.functional.pad(skew.flatten(1), (d * d, 0))] if self.penalty == 0 else []
        return torch.cat(blocks).to(seeds.device).expand(len(seeds), -1, -1)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Any) -> dict[str, Tensor]:
        """‖VVᵀ − Σ‖_F."""
        v, _, sigma = self._matrices(profile)
        return {"covariance_error": (v @ v.mT - sigma).square().sum((-2, -1)).sqrt()}
