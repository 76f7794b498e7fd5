"""The game's own Jacobian J = ∂v/∂w at a point: eigenvalues, whose they are, and how the joint gradient lies among them.

v is taken as a step map, w ↦ v(w), so that J is formed, or applied, as that of any step is (`saddlebench.bench.spectrum`).

The share of the joint gradient. With right eigenvectors u_k of unit length and v = Σ_k c_k u_k + r,

    gradient_share_k = |c_k|² / (Σ_j |c_j|² + ‖r‖²),

r = 0 where all eigenpairs are known, so that the shares sum to 1. With the leading eigenpairs only (Arnoldi) c comes from left and
right eigenvectors, c = (YᵀU)⁻¹Yᵀv, and r is the rest of v. A complex pair has two equal shares; its plane has their sum. Where J is
normal the eigenvectors are orthogonal and a share is |⟨u_k, v⟩|²/‖v‖². Where J is not normal large coefficients may cancel one
another, and where its eigenvectors hardly span the space (condition above 1e8, a multiple root) there are no shares. Nor are there
any where v = 0, at an exact equilibrium.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench import spectrum
from saddlebench.bench.eigenpairs import Eigenpairs, NoSpectrumError, Product, dense, leading, mass
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.spectrum import Spectrum, StepMap
from saddlebench.games.game import Buffers, Game, Profile
from saddlebench.optimizers.optimizer import GameFacts, Optimizer, State
from saddlebench.optimizers.optimizer import Oracle as Asked

_CONDITION = 1e8
_SAME = 1e-4  # eigenvalues of J and of Jᵀ, each found to 1e-6, beside the largest
_VANISHING = 1e-13  # of a gradient, beside the profile's largest number or 1


@dataclass(frozen=True)
class _Field(Optimizer):
    """w ↦ v(w)."""

    name = "the field"

    def applies_to(self, game: GameFacts) -> str | None:
        return None

    def step(self, oracle: Asked, w: Profile, state: State) -> tuple[Profile, State]:
        return oracle.field(w), state


def game_at_equilibrium(game: Game, seed: int = 0) -> Spectrum:
    """The spectrum of J at the game's known equilibrium, in float64.

    Raises:
        NoSpectrumError: the field has no derivative there, or no equilibrium is known.
    """
    return game_spectrum(game, *resting_profile(game, seed))


def resting_profile(game: Game, seed: int = 0) -> tuple[Tensor, int, Buffers, Profile]:
    """Seeds ``(1,)``, step, buffers and profile at the game's known equilibrium.

    Raises:
        NoSpectrumError: as `game_at_equilibrium`.
    """
    if game.spectrum_reason:
        raise NoSpectrumError(game.spectrum_reason)
    seeds = torch.tensor([seed])
    w = game.equilibrium(seeds)
    if w is None:
        raise NoSpectrumError(f"no equilibrium of {game.name} is known: use --at checkpoint")
    return seeds, 0, game.buffers(w, seeds), w


def field_map(game: Game, seeds: Tensor, step: int, buffers: Buffers, w: Profile) -> StepMap:
    """w ↦ v(w) with the samples of ``step``, at a profile of one run: `StepMap.jacobian` of it is J."""
    return StepMap(game, _Field(), seeds, step, buffers, w, ())


def game_spectrum(game: Game, seeds: Tensor, step: int, buffers: Buffers, w: Profile) -> Spectrum:
    """The spectrum of J at a profile of one run, with the samples of ``step``.

    Raises:
        NoSpectrumError: J is not finite, or Arnoldi finds nothing.
    """
    whole = field_map(game, seeds, step, buffers, w)
    sizes = tuple(x.shape[-1] for x in w)
    v = torch.cat(whole.apply(list(w)), -1)[0].detach().double().cpu().numpy()
    vanishing = np.linalg.norm(v) <= _VANISHING * max(1.0, max(float(x.abs().max()) for x in w))
    shares = None
    if whole.unknowns <= spectrum.DENSE_LIMIT:
        found = dense(whole.jacobian())
        shares = None if vanishing else gradient_shares(found.vectors, v)
    else:
        found = leading(_products(whole), whole.unknowns)
        shares = None if vanishing else leading_shares(found, leading(_transposed(whole), whole.unknowns), v)
    return Spectrum(found.values, mass(found.vectors, sizes), None, found.residuals, 1, found.radius_error, shares)


def gradient_shares(vectors: np.ndarray, v: np.ndarray) -> np.ndarray | None:
    """The shares of v among all eigenvectors, the columns of ``vectors``; None where these hardly span the space."""
    if np.linalg.cond(vectors) > _CONDITION:
        return None
    square = np.abs(np.linalg.solve(vectors, v.astype(complex))) ** 2
    return square / square.sum()


def leading_shares(right: Eigenpairs, left: Eigenpairs, v: np.ndarray) -> np.ndarray | None:
    """The shares of v along the leading right eigenvectors, with eigenvectors of Jᵀ; NaN for a value that only one side found.

    None where the two sides hardly see one another.
    """
    nearest = np.abs(right.values[:, None] - left.values[None])
    pairs: dict[int, int] = {}
    for k, distances in enumerate(nearest):
        free = [j for j in np.argsort(distances, kind="stable") if j not in pairs.values()]
        if free and distances[free[0]] <= _SAME * float(np.abs(right.values).max()):
            pairs[k] = int(free[0])
    shares = np.full(len(right.values), np.nan)
    known = list(pairs)
    if not known:
        return None
    u, y = right.vectors[:, known], left.vectors[:, list(pairs.values())].T
    if np.linalg.cond(y @ u) > _CONDITION:
        return None
    c = np.linalg.solve(y @ u, y @ v)
    square = np.abs(c) ** 2
    shares[known] = square / (square.sum() + float(np.linalg.norm(v - (u @ c).real)) ** 2)
    return shares


def _products(of: StepMap) -> Product:
    """x ↦ Jx."""
    w, buffers = of.w, of.buffers
    oracle = Oracle.at_step(of.game, of.seeds, of.step, buffers, Counts(len(w)), w[0].dtype)
    point = oracle.at(w)

    def product(x: np.ndarray) -> np.ndarray:
        blocks = torch.from_numpy(x[None].astype(float)).to(w[0]).split([part.shape[-1] for part in w], -1)
        return torch.cat([y.detach() for y in point.jvp(blocks)], -1)[0].double().cpu().numpy()

    return product


def _transposed(of: StepMap) -> Product:
    """x ↦ Jᵀx."""

    def product(x: np.ndarray) -> np.ndarray:
        row = torch.from_numpy(x[None].astype(float)).to(of.w[0])
        return of.transposed_products(row)[0].double().cpu().numpy()

    return product
