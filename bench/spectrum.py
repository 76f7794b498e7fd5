"""The spectrum of the step actually taken: eigenvalues of the Jacobian of the step map.

The step map is one step (one whole period of a cyclic method) with its samples frozen, on the augmented state: the profile and
what the next step depends on. Its Jacobian is exact: autograd goes through the optimizer's own step. Up to `DENSE_LIMIT`
unknowns the Jacobian is formed whole: the unit vectors stand on the run axis, so that one vector–Jacobian product of a batch of
identical runs gives all rows. Above, Arnoldi iteration (`scipy.sparse.linalg.eigs`) works on products with the transpose, which
has the same spectrum.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs
from torch import Tensor

from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import active_tensors, map_tensors, replace_active
from saddlebench.games.game import Buffers, Game, Profile
from saddlebench.optimizers.optimizer import Optimizer, State

DENSE_LIMIT = 2000  # unknowns
ARNOLDI_COUNT = 6  # eigenvalues asked of Arnoldi: fewer with a loose tolerance are not to be trusted
ARNOLDI_BASIS = 60
FIXED_POINT_TOLERANCE = 1e-9
_LIFT = 1e-6  # how far the profile goes along a null direction: a manifold of equilibria may be curved
_CHUNK = 2**24  # numbers on the run axis at once


class NoSpectrumError(ValueError):
    """Why a cell has no spectrum at a point, in one line."""


@dataclass(frozen=True)
class Spectrum:
    """The spectrum at one point.

    Attributes:
        eigenvalues: complex, sorted by falling modulus; all of them (dense) or the leading ones (Arnoldi).
        mass: ``(eigenvalues, players)``, the share of each eigenvector's squared modulus that lies in each player's strategy,
            states left out.
        transverse: eigenvalues without the null directions that the game declares; None where it declares none.
        residuals: ‖Mᵀx − λx‖ of each eigenpair where Arnoldi found it, None where dense.
        period: steps in one application of the step map.
    """

    eigenvalues: np.ndarray
    mass: np.ndarray
    transverse: np.ndarray | None
    residuals: np.ndarray | None
    period: int

    @property
    def radius(self) -> float:
        """The largest modulus."""
        return float(np.abs(self.eigenvalues).max())

    @property
    def radius_transverse(self) -> float:
        """The largest modulus once null directions are left out; the radius where there are none."""
        if self.transverse is None:
            return self.radius
        return float(np.abs(self.transverse).max(initial=0.0))

    @property
    def radius_per_step(self) -> float:
        """ρ^{1/k} of a method with period k, from the transverse radius."""
        return self.radius_transverse ** (1 / self.period)


def refusal(game: Game, optimizer: Optimizer, at_equilibrium: bool) -> str | None:
    """Why this pair can have no spectrum, or None."""
    reason = optimizer.applies_to(game)
    if reason:
        return reason
    if not optimizer.smooth:
        return f"{optimizer.name} is not differentiable: it has no spectrum"
    if not at_equilibrium:
        return None
    if game.spectrum_reason:
        return game.spectrum_reason
    if optimizer.singular_at_rest:
        return f"{optimizer.singular_at_rest}: no spectrum at an exact equilibrium; use --at checkpoint"
    if not optimizer.autonomous:
        return f"{optimizer.name}'s step depends on a counter: no spectrum at a point; use --at checkpoint for a finite-time one"
    return None


def at_equilibrium(game: Game, optimizer: Optimizer, seed: int = 0) -> Spectrum:
    """The spectrum at the game's known equilibrium, in float64.

    Raises:
        NoSpectrumError: the pair has none there, no equilibrium is known, or it is not a fixed point of the step.
    """
    reason = refusal(game, optimizer, at_equilibrium=True)
    if reason:
        raise NoSpectrumError(reason)
    seeds = torch.tensor([seed])
    w = game.equilibrium(seeds)
    if w is None:
        raise NoSpectrumError(f"no equilibrium of {game.name} is known: use --at checkpoint")
    buffers = game.buffers(w, seeds)
    step_map = StepMap(game, optimizer, seeds, 0, buffers, w, _settled(game, optimizer, seeds, buffers, w))
    return step_map.spectrum(game.null_directions(seeds))


def _settled(game: Game, optimizer: Optimizer, seeds: Tensor, buffers: Buffers, w: Profile) -> State:
    """The state that belongs to rest at w: started there and stepped twice, each time put back.

    Raises:
        NoSpectrumError: the step leaves w.
    """

    def oracle() -> Oracle:
        return Oracle.at_step(game, seeds, 0, buffers, Counts(len(w)), w[0].dtype)

    state, moved = optimizer.init(oracle(), w), w
    for _ in range(2 * optimizer.period):
        moved, state = optimizer.step(oracle(), w, state)
    drift = max(float((a - b).abs().max()) for a, b in zip(moved, w, strict=True))
    if not drift <= FIXED_POINT_TOLERANCE * (1 + max(float(x.abs().max()) for x in w)):
        raise NoSpectrumError(f"the equilibrium of {game.name} is not a fixed point of {optimizer.name}: it moves {drift:.3g}")
    return state


@dataclass(frozen=True)
class StepMap:
    """The step with its samples frozen, at one augmented state of one run.

    Attributes:
        game: the game.
        optimizer: the optimizer, its hyperparameters plain numbers.
        seeds: ``(1,)``.
        step: the step's number, which decides the samples.
        buffers: of the one run.
        w: the profile, one run.
        state: the optimizer's state, one run.
    """

    game: Game
    optimizer: Optimizer
    seeds: Tensor
    step: int
    buffers: Buffers
    w: Profile
    state: State

    @cached_property
    def _parts(self) -> list[Tensor]:
        return [*self.w, *active_tensors(self.state)]

    @property
    def unknowns(self) -> int:
        """The size of the augmented state."""
        return sum(x.shape[-1] for x in self._parts)

    def spectrum(self, null_directions: Tensor | None = None) -> Spectrum:
        """Eigenvalues, dense or by Arnoldi as the size asks.

        Raises:
            NoSpectrumError: the Jacobian is not finite.
        """
        null = None if null_directions is None else self._lift(null_directions[0])
        return self._dense(null) if self.unknowns <= DENSE_LIMIT else self._arnoldi(null)

    def transposed_products(self, u: Tensor) -> Tensor:
        """Mᵀu for a batch ``(k, unknowns)`` of vectors: k identical runs, one vector–Jacobian product."""
        copies = len(u)

        def repeat(x: Tensor) -> Tensor:
            return x.expand(copies, *x.shape[1:]) if x.dim() and x.shape[0] == 1 else x

        inputs = [repeat(x).contiguous().detach().requires_grad_() for x in self._parts]
        seeds = self.seeds.expand(copies)
        buffers = map_tensors(repeat, self.buffers)
        w = tuple(inputs[: len(self.w)])
        state = replace_active(map_tensors(repeat, self.state), iter(inputs[len(self.w) :]))
        with torch.enable_grad():
            for k in range(self.optimizer.period):
                oracle = Oracle.at_step(self.game, seeds, self.step + k, buffers, Counts(len(w)), w[0].dtype, differentiable=True)
                w, state = self.optimizer.step(oracle, w, state)
            outputs = [*w, *active_tensors(state)]
        cotangents = u.split([x.shape[-1] for x in outputs], -1)
        live = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
        rows = torch.cat(torch.autograd.grad([o for o, _ in live], inputs, [c for _, c in live], materialize_grads=True), -1)
        if not bool(torch.isfinite(rows).all()):
            raise NoSpectrumError(f"the Jacobian of {self.optimizer.name}'s step is not finite at this point")
        return rows

    def jacobian(self) -> np.ndarray:
        """M, ``(unknowns, unknowns)``."""
        size = self.unknowns
        chunk = max(1, _CHUNK // max(1, size * 4))
        unit = torch.eye(size, dtype=self.w[0].dtype, device=self.w[0].device)
        rows = torch.cat([self.transposed_products(part) for part in unit.split(chunk)])
        return rows.double().cpu().numpy()

    def _dense(self, null: np.ndarray | None) -> Spectrum:
        matrix = self.jacobian()
        values, vectors = np.linalg.eig(matrix)
        order = np.argsort(-np.abs(values), kind="stable")
        transverse = None
        if null is not None:
            # The fixed points form a manifold along these directions, so they span an invariant subspace; in an orthonormal basis
            # of it and its complement M is block triangular, and the complement's block holds all other eigenvalues.
            basis = np.linalg.qr(null, mode="complete")[0]
            rest = basis[:, null.shape[1] :]
            leak = np.abs(rest.T @ matrix @ null).max(initial=0.0)
            if leak > 1e-6:
                raise NoSpectrumError(f"the declared null directions are not invariant under the step (leak {leak:.2g})")
            transverse = np.linalg.eigvals(rest.T @ matrix @ rest)
            transverse = transverse[np.argsort(-np.abs(transverse), kind="stable")]
        return Spectrum(values[order], self._mass(vectors[:, order]), transverse, None, self.optimizer.period)

    def _arnoldi(self, null: np.ndarray | None) -> Spectrum:
        dtype, device = self.w[0].dtype, self.w[0].device

        def product(x: np.ndarray) -> np.ndarray:
            row = torch.from_numpy(np.asarray(x, dtype=np.float64).reshape(1, -1)).to(dtype=dtype, device=device)
            return self.transposed_products(row)[0].double().cpu().numpy()

        def leading(operator: LinearOperator) -> tuple[np.ndarray, np.ndarray]:
            start = np.cos(np.arange(self.unknowns) * 0.7 + 0.3)  # any fixed vector: the answer must not depend on a global seed
            try:
                found = eigs(operator, k=ARNOLDI_COUNT, ncv=ARNOLDI_BASIS, tol=1e-6, v0=start)  # pyright: ignore[reportArgumentType] - scipy's default 0 hides that tol is a float
            except ArpackNoConvergence as error:
                if not len(error.eigenvalues):
                    raise NoSpectrumError("Arnoldi iteration found no eigenvalue to 1e-6") from error
                found = error.eigenvalues, error.eigenvectors
            order = np.argsort(-np.abs(found[0]), kind="stable")
            return found[0][order], found[1][:, order]

        shape = (self.unknowns, self.unknowns)
        values, vectors = leading(LinearOperator(shape, matvec=product, dtype=np.float64))  # pyright: ignore[reportCallIssue] - scipy documents the keyword form
        applied = np.stack([product(v.real) + 1j * product(v.imag) for v in vectors.T], -1)
        residuals = np.linalg.norm(applied - vectors * values, axis=0)
        transverse = None
        if null is not None:
            basis = np.linalg.qr(null)[0]

            def rest(x: np.ndarray) -> np.ndarray:
                return x - basis @ (basis.T @ x)

            operator = LinearOperator(shape, matvec=lambda x: rest(product(rest(np.asarray(x).ravel()))), dtype=np.float64)  # pyright: ignore[reportCallIssue] - as above
            transverse = leading(operator)[0]
        # These are eigenvectors of the transpose: how much each player's strategy drives the mode.
        return Spectrum(values, self._mass(vectors), transverse, residuals, self.optimizer.period)

    def _mass(self, vectors: np.ndarray) -> np.ndarray:
        """Shares of the players' strategies, ``(eigenvalues, players)``."""
        edges = np.cumsum([x.shape[-1] for x in self.w])
        square = np.abs(vectors[: edges[-1]]) ** 2
        parts = np.stack([block.sum(0) for block in np.split(square, edges[:-1])], -1)
        return parts / np.maximum(parts.sum(-1, keepdims=True), np.finfo(float).tiny)

    def _lift(self, directions: Tensor) -> np.ndarray:
        """Null directions of the profile, ``(unknowns, k)``, with what the state at rest does along each."""
        columns = []
        for direction in directions:
            blocks = direction.to(self.w[0]).split([x.shape[-1] for x in self.w])
            moved = tuple(x + _LIFT * b for x, b in zip(self.w, blocks, strict=True))
            state = _settled(self.game, self.optimizer, self.seeds, self.buffers, moved)
            parts = [(a - b) / _LIFT for a, b in zip([*moved, *active_tensors(state)], self._parts, strict=True)]
            columns.append(torch.cat(parts, -1)[0])
        lifted = torch.stack(columns, -1).double().cpu().numpy()
        return np.linalg.qr(lifted)[0]
