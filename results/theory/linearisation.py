"""A two-player game near its equilibrium, reduced to what the closed forms read.

f ≈ ½xᵀPx + xᵀAy − ½yᵀQy for x, and y's own curvature is Q, so that v = Jw with J = [[P, A], [−Aᵀ, Q]]. Orthogonal
changes of basis within a player commute with every method here, so where P, A, Q have a joint singular basis the game
is a list of scalar *blocks* [[μ_x, σ], [−σ, μ_y]], and a coordinate that meets no σ stands alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Pair = tuple[float, float]
_DIAGONAL = 1e-10  # relative size of the off-diagonal entries that rounding leaves in a joint basis
_MIX = 0.7548776662466927  # any number that no sensible game has: P + _MIX·Q has a common basis's eigenvectors
_ZERO = 1e-12  # relative to the largest entry: below it a singular value or eigenvalue is a null direction


class NoClosedForm(Exception):
    """Theory has no closed form for this cell; the message says why."""


def pair_roots(trace: Array, determinant: Array) -> Array:
    """The roots of z² − trace·z + determinant, elementwise, for real coefficients.

    A complex pair keeps the modulus √determinant to rounding, which the marginal cases (modulus exactly 1) rely on.
    """
    half = np.asarray(trace) / 2
    root = np.sqrt(half**2 - determinant + 0j)
    return np.concatenate([half + root, half - root])


def polynomial_roots(*coefficients: Array | float) -> Array:
    """All roots of many polynomials; each argument holds one coefficient of each, highest power first."""
    rows = np.stack(np.broadcast_arrays(*coefficients), axis=-1)
    return np.concatenate([np.roots(row) for row in rows]) if len(rows) else np.empty(0)


@dataclass(frozen=True)
class Blocks:
    """Scalar blocks [[mu_x, sigma], [−sigma, mu_y]], one an array entry.

    A coordinate that stands alone is entered twice, as both halves of a block with σ = 0 whose two owners are its
    player: every formula then yields its eigenvalue twice and needs no second branch.
    """

    mu_x: Array
    mu_y: Array
    sigma: Array
    owner_x: Array
    owner_y: Array

    def of(self, value: Pair) -> tuple[Array, Array]:
        """A hyperparameter's value for the first and for the second coordinate of every block."""
        values = np.asarray(value, dtype=float)
        return values[self.owner_x], values[self.owner_y]

    def step(self, step: Pair, field: tuple[Array, Array, Array, Array]) -> Array:
        """The eigenvalues of I − DG for the field's Jacobian G = [[g₀₀, g₀₁], [g₁₀, g₁₁]] and D = diag(η_x, η_y)."""
        x, y = self.of(step)
        g00, g01, g10, g11 = field
        return 1 - self.roots(x * g00 + y * g11, x * y * (g00 * g11 - g01 * g10))

    @property
    def alone(self) -> Array:
        """Which blocks are one coordinate, entered twice."""
        return self.owner_x == self.owner_y

    def roots(self, trace: Array, determinant: Array) -> Array:
        """The roots of z² − trace·z + determinant; a coordinate that stands alone has the double root trace/2."""
        return pair_roots(trace, np.where(self.alone, (trace / 2) ** 2, determinant))


@dataclass(frozen=True)
class Linearisation:
    """J = [[P, A], [−Aᵀ, Q]] and what else a formula must know of the game."""

    p: Array
    a: Array
    q: Array
    text: str  # where J comes from, for `explain`
    transverse: bool = True  # leave out null directions (J u = 0)
    zero_sum: bool = True  # f + g vanishes to second order; else ∂f/∂y is not −∂g/∂y, which some methods read
    domain: str = "unconstrained"
    weight: float = 1.0  # what the entropic geometry multiplies a gradient with: the strategy's probability
    mixed: bool = False  # the blocks lie across more than two players: only one common step size keeps them

    def common(self, step: Pair) -> Pair:
        """The step sizes, refused where they differ and the blocks mix players."""
        if self.mixed and step[0] != step[1]:
            raise NoClosedForm("step sizes differ between more than two players")
        return step

    def two_players(self) -> None:
        """Refuse a game whose blocks are not its players'."""
        if self.mixed:
            raise NoClosedForm("known for two players only")

    def opposed(self) -> None:
        """Refuse a game in which ∂f/∂y is not −∂g/∂y to first order."""
        if self.mixed or not self.zero_sum:
            raise NoClosedForm("the method reads ∂f/∂y, and the game is not zero-sum")

    def eigenvalues(self, step: Pair = (1.0, 1.0)) -> Array:
        """The eigenvalues of DJ, D = diag(η_x, η_y); null directions are left out of a transverse prediction."""
        x, y = self.common(step)
        if (found := self._found_blocks) is not None:
            blocks = self._kept(found)
            x, y = blocks.of(step)
            trace = x * blocks.mu_x + y * blocks.mu_y
            return self._nonzero(blocks.roots(trace, x * y * (blocks.mu_x * blocks.mu_y + blocks.sigma**2)))
        jacobian = np.block([[x * self.p, x * self.a], [-y * self.a.T, y * self.q]])
        return self._nonzero(np.linalg.eigvals(jacobian))

    def characteristic_roots(self, step: Pair, coefficients: Callable[[Array], tuple[Array | float, ...]]) -> Array:
        """The roots z of a polynomial whose coefficients are functions of λ, an eigenvalue of DJ.

        A null direction (λ = 0) has the root 1, which a transverse prediction leaves out; the memory along it still fades, so
        the polynomial's other roots stay: those of the quotient by z − 1, whose coefficients are the partial sums.
        """
        kept = self.eigenvalues(step)
        roots = polynomial_roots(*coefficients(kept))
        if not self.transverse or len(kept) == len(replace(self, transverse=False).eigenvalues(step)):
            return roots
        quotient = np.cumsum([complex(np.asarray(value).item()) for value in coefficients(np.zeros(1))])[:-1]
        return np.concatenate([roots, np.roots(quotient)])

    def null_owners(self) -> list[int]:
        """The players with null directions of their own that are left out, on a game of scalar blocks."""
        if not self.transverse or (found := self._found_blocks) is None:
            return []
        null = np.setdiff1d(np.arange(len(found.sigma)), self._kept_indices(found))
        return sorted(set(found.owner_x[null].tolist()))

    def hamiltonian(self, step: Pair) -> Array:
        """The eigenvalues of D JᵀJ: with one step size, η times the squared singular values of J."""
        x, y = self.common(step)
        jacobian = np.block([[self.p, self.a], [-self.a.T, self.q]])
        scale = np.sqrt(np.concatenate([np.full(len(self.p), x), np.full(len(self.q), y)]))
        values = np.linalg.svd(jacobian * scale, compute_uv=False)
        return self._nonzero(values**2, _ZERO**2)

    def blocks(self) -> Blocks:
        """The scalar blocks, or `NoClosedForm` where P, A and Q have no joint singular basis."""
        if self._found_blocks is None:
            raise NoClosedForm("P, A and Q have no joint singular basis, so the game does not split into scalar blocks")
        blocks = self._kept(self._found_blocks)
        size = np.abs(blocks.mu_x) + np.abs(blocks.mu_y) + blocks.sigma
        singular = np.abs(blocks.mu_x * blocks.mu_y + blocks.sigma**2) <= _ZERO * size**2
        if self.transverse and np.any(singular):
            raise NoClosedForm("a null direction of J lies across both players of a block")
        return blocks

    def _nonzero(self, values: Array, small: float = _ZERO) -> Array:
        if not self.transverse or not len(values):
            return values
        return values[np.abs(values) > small * np.abs(values).max()]

    def _kept(self, blocks: Blocks) -> Blocks:
        keep = self._kept_indices(blocks)
        return Blocks(*(getattr(blocks, field.name)[keep] for field in fields(Blocks)))

    def _kept_indices(self, blocks: Blocks) -> Array:
        size = np.abs(blocks.mu_x) + np.abs(blocks.mu_y) + blocks.sigma
        if not self.transverse:
            return np.arange(len(size))
        return np.flatnonzero(size > _ZERO * size.max(initial=0.0))

    @cached_property
    def _found_blocks(self) -> Blocks | None:
        u, sigma, vt = np.linalg.svd(self.a)
        v = vt.T
        scale = max(np.abs(self.p).max(initial=0), np.abs(self.q).max(initial=0), sigma.max(initial=0))
        coupled = np.flatnonzero(sigma > _ZERO * scale)
        # Equal singular values leave the basis free: turn x and y alike so that P and Q become diagonal, if they can.
        for group in np.split(coupled, np.flatnonzero(-np.diff(sigma[coupled]) > _ZERO * scale) + 1):
            turn = _diagonalising(u[:, group].T @ self.p @ u[:, group] + _MIX * v[:, group].T @ self.q @ v[:, group])
            u[:, group], v[:, group] = u[:, group] @ turn, v[:, group] @ turn
        for basis, curvature in ((u, self.p), (v, self.q)):
            rest = basis[:, len(coupled) :]
            basis[:, len(coupled) :] = rest @ _diagonalising(rest.T @ curvature @ rest)
        p, q = u.T @ self.p @ u, v.T @ self.q @ v
        for matrix in (p, q):
            if np.abs(matrix - np.diag(np.diag(matrix))).max(initial=0) > _DIAGONAL * scale:
                return None
        mu = (np.diag(p), np.diag(q))
        alone = [np.setdiff1d(np.arange(len(values)), coupled) for values in mu]
        own = [mu[player][alone[player]] for player in (0, 1)]
        owner = [np.full(len(alone[player]), player) for player in (0, 1)]
        return Blocks(
            np.concatenate([mu[0][coupled], *own]),
            np.concatenate([mu[1][coupled], *own]),
            np.concatenate([sigma[coupled], *(np.zeros(len(values)) for values in own)]),
            np.concatenate([np.zeros(len(coupled), dtype=int), *owner]),
            np.concatenate([np.ones(len(coupled), dtype=int), *owner]),
        )


def _diagonalising(matrix: Array) -> Array:
    """An orthogonal basis in which the symmetric matrix is diagonal; the given one where it already is."""
    if np.count_nonzero(matrix - np.diag(np.diag(matrix))) == 0:
        return np.eye(len(matrix))
    return np.linalg.eigh((matrix + matrix.T) / 2)[1]
