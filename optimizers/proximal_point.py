"""Proximal point."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from saddlebench.optimizers import solvers
from saddlebench.optimizers.optimizer import Optimizer, Oracle, Profile, State
from saddlebench.optimizers.search import LogUniform, Space
from saddlebench.parameters import Count, Positive, Tolerance, cast, pick


@dataclass(frozen=True)
class ProximalPoint(Optimizer):
    """w⁺ = w − η v(w⁺), the implicit step (backward Euler; the resolvent (I + ηv)⁻¹).

    Martinet 1970; Rockafellar 1976. Newton's method from w solves w⁺ − w + Dv(w⁺) = 0, D = diag(η_i), each of its systems
    I + DJ by GMRES: a fixed number of both, and one Newton step is exact where v is linear. The Jacobian is that of the
    converged step, (I + DJ(w⁺))⁻¹.
    """

    name = "proximal-point"
    paper = "Martinet 1970; Rockafellar 1976"
    cost = "per Newton step 1 gradient + 1 product an iteration of the solver"
    search: ClassVar[Space] = {"step_size": LogUniform(1e-3, 10)}  # stable at any length on a bilinear game

    step_size: Positive = 0.1  # η
    iterations: Count = 3  # of Newton's method
    solver_iterations: Count = 10  # of GMRES for each of them (fewer where the game is smaller)
    tolerance: Tolerance = 1e-12  # relative breakdown at which a run's basis stops growing

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """Newton steps from w; only the last one carries the derivative."""
        moved = tuple(x.detach() for x in w)
        for _ in range(self.iterations - 1):
            moved = tuple(x.detach() for x in self._newton(oracle, w, moved, False))
        return self._newton(oracle, w, moved, oracle.differentiable), state

    def _newton(self, oracle: Oracle, w: Profile, moved: Profile, keep_graph: bool) -> Profile:
        point, sizes = oracle.at(moved), [x.shape[-1] for x in w]
        rates = [cast(pick(self.step_size, i), x) for i, x in enumerate(w)]

        def scaled(u: Profile) -> Tensor:
            return torch.cat([eta * x for eta, x in zip(rates, u, strict=True)], -1)

        def product(u: Tensor) -> Tensor:
            return u + scaled(point.jvp(u.split(sizes, -1)))

        def transposed(u: Tensor) -> Tensor:
            return u + torch.cat(point.vjp(scaled(u.split(sizes, -1)).split(sizes, -1)), -1)

        missing = torch.cat(w, -1) - torch.cat(moved, -1) - scaled(tuple(v.detach() for v in point.v))
        solver = partial(solvers.gmres, iterations=self.solver_iterations, tolerance=self.tolerance)
        change = solvers.solve(product, transposed, missing, solver, keep_graph).split(sizes, -1)
        return tuple(x + d for x, d in zip(moved, change, strict=True))
