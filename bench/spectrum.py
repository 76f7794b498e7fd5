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
from torch import Tensor

from saddlebench.bench.eigenpairs import NoSpectrumError, dense, leading, mass
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import active_tensors, map_tensors, replace_active
from saddlebench.games.game import Buffers, Game, Profile
from saddlebench.optimizers.optimizer import Optimizer, State

DENSE_LIMIT = 2000  # unknowns
FIXED_POINT_TOLERANCE = 1e-9
LEAK = 1e-6  # of a step that leads out of the declared null directions: beyond rounding, the game declared them wrongly
_LIFT = 1e-6  # how far the profile goes along a null direction: a manifold of equilibria may be curved
_CHUNK = 2**24  # numbers on the run axis at once


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
        radius_error: how far rounding may have moved `radius_transverse`: much at a multiple root.
        gradient_share: of the game's Jacobian, how much of the joint gradient lies along each eigenvector
            (`saddlebench.bench.jacobian`); None where the gradient vanishes, and of a step map.
    """

    eigenvalues: np.ndarray
    mass: np.ndarray
    transverse: np.ndarray | None
    residuals: np.ndarray | None
    period: int
    radius_error: float = 0.0
    gradient_share: np.ndarray | None = None

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
    step_map = at_rest(game, optimizer, seed)
    return step_map.spectrum(game.null_directions(step_map.seeds))


def at_rest(game: Game, optimizer: Optimizer, seed: int = 0) -> "StepMap":
    """The step map at the game's known equilibrium, in float64, with the state that belongs to rest there.

    Raises:
        NoSpectrumError: as `at_equilibrium`.
    """
    reason = refusal(game, optimizer, at_equilibrium=True)
    if reason:
        raise NoSpectrumError(reason)
    seeds = torch.tensor([seed])
    w = game.equilibrium(seeds)
    if w is None:
        raise NoSpectrumError(f"no equilibrium of {game.name} is known: use --at checkpoint")
    buffers = game.buffers(w, seeds)
    return StepMap(game, optimizer, seeds, 0, buffers, w, settled(game, optimizer, seeds, buffers, w))


def settled(game: Game, optimizer: Optimizer, seeds: Tensor, buffers: Buffers, w: Profile) -> State:
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
    def parts(self) -> list[Tensor]:
        """The augmented state: the players' strategies, then the tensors that the next step depends on, ``(1, size)`` each."""
        return [*self.w, *active_tensors(self.state)]

    @property
    def unknowns(self) -> int:
        """The size of the augmented state."""
        return sum(x.shape[-1] for x in self.parts)

    def apply(self, parts: list[Tensor], differentiable: bool = False) -> list[Tensor]:
        """The step map, one whole period, of a batch of augmented states like `parts`, ``(k, size)`` each: k runs of one seed."""
        copies = len(parts[0])

        def repeat(x: Tensor) -> Tensor:
            return x.expand(copies, *x.shape[1:]) if x.dim() and x.shape[0] == 1 else x

        seeds, buffers = self.seeds.expand(copies), map_tensors(repeat, self.buffers)
        w = tuple(parts[: len(self.w)])
        state = replace_active(map_tensors(repeat, self.state), iter(parts[len(self.w) :]))
        for k in range(self.optimizer.period):
            counts = Counts(len(w))
            oracle = Oracle.at_step(self.game, seeds, self.step + k, buffers, counts, w[0].dtype, differentiable)
            w, state = self.optimizer.step(oracle, w, state)
        return [*w, *active_tensors(state)]

    def spectrum(self, null_directions: Tensor | None = None) -> Spectrum:
        """Eigenvalues, dense or by Arnoldi as the size asks.

        Raises:
            NoSpectrumError: the Jacobian is not finite.
        """
        null = None if null_directions is None else self.lift(null_directions)[0]
        return self._dense(null) if self.unknowns <= DENSE_LIMIT else self._arnoldi(null)

    def transposed_products(self, u: Tensor) -> Tensor:
        """Mᵀu for a batch ``(k, unknowns)`` of vectors: k identical runs, one vector–Jacobian product."""
        inputs = [x.expand(len(u), -1).contiguous().detach().requires_grad_() for x in self.parts]
        with torch.enable_grad():
            outputs = self.apply(inputs, differentiable=True)
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
        found, transverse = dense(matrix), None
        error = found.radius_error
        if null is not None:
            # The fixed points form a manifold along these directions, so they span an invariant subspace; in an orthonormal basis
            # of it and its complement M is block triangular, and the complement's block holds all other eigenvalues.
            basis = np.linalg.qr(null, mode="complete")[0]
            rest = basis[:, null.shape[1] :]
            leak = np.abs(rest.T @ matrix @ null).max(initial=0.0)
            if leak > LEAK:
                raise NoSpectrumError(f"the declared null directions are not invariant under the step (leak {leak:.2g})")
            others = dense(rest.T @ matrix @ rest)
            transverse, error = others.values, others.radius_error
        shares = mass(found.vectors, self._sizes)
        return Spectrum(found.values, shares, transverse, None, self.optimizer.period, error)

    def _arnoldi(self, null: np.ndarray | None) -> Spectrum:
        dtype, device = self.w[0].dtype, self.w[0].device

        def product(x: np.ndarray) -> np.ndarray:
            row = torch.from_numpy(np.asarray(x, dtype=np.float64).reshape(1, -1)).to(dtype=dtype, device=device)
            return self.transposed_products(row)[0].double().cpu().numpy()

        found, transverse = leading(product, self.unknowns), None
        error = found.radius_error
        if null is not None:
            basis = np.linalg.qr(null)[0]

            def rest(x: np.ndarray) -> np.ndarray:
                return x - basis @ (basis.T @ x)

            others = leading(lambda x: rest(product(rest(x))), self.unknowns)
            transverse, error = others.values, others.radius_error
        # These are eigenvectors of the transpose: how much each player's strategy drives the mode.
        shares = mass(found.vectors, self._sizes)
        return Spectrum(found.values, shares, transverse, found.residuals, self.optimizer.period, error)

    @property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(x.shape[-1] for x in self.w)

    def lift(self, directions: Tensor) -> np.ndarray:
        """Null directions of the profile, ``(runs, k, total size)``, with what the state at rest does along each.

        Returns:
            An orthonormal basis ``(runs, unknowns, k)``, from central differences: equilibria may lie on a curve.
        """
        columns = []
        for direction in directions.unbind(1):
            blocks = direction.to(self.w[0]).split(self._sizes, -1)
            ahead, behind = (self._at_rest(tuple(x + h * b for x, b in zip(self.w, blocks, strict=True))) for h in (_LIFT, -_LIFT))
            columns.append((ahead - behind) / (2 * _LIFT))
        return np.linalg.qr(torch.stack(columns, -1).double().cpu().numpy())[0]

    def _at_rest(self, w: Profile) -> Tensor:
        """The augmented state ``(runs, unknowns)`` at rest at ``w``."""
        return torch.cat([*w, *active_tensors(settled(self.game, self.optimizer, self.seeds, self.buffers, w))], -1)
