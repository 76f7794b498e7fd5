"""Complete Newton: both players take Newton steps."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from saddlebench.optimizers import solvers
from saddlebench.optimizers.gradient_descent_newton import GradientDescentNewton
from saddlebench.optimizers.optimizer import Oracle, Profile, State
from saddlebench.parameters import Positive, cast


@dataclass(frozen=True)
class CompleteNewton(GradientDescentNewton):
    """x⁺ = x − η (f_xx − f_xy g_yy⁻¹ g_yx)⁻¹ f_x, then y⁺ = y − g_yy⁻¹ g_y at (x⁺, y) (CN).

    Zhang, Wu, Poupart, Yu 2020, with η = 1 and the partial gradient f_x. The leader's step is the first block of J⁻¹(f_x, 0), one
    solve by GMRES in place of nested ones.
    """

    name = "complete-newton"
    paper = "Zhang et al. 2020"
    cost = "2 gradients + 1½ products an iteration (general-sum: 1 more gradient)"

    step_size: Positive = 1.0  # η, the leader's

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """The leader's Newton step, then the follower's."""
        point, sizes = oracle.at(w), [x.shape[-1] for x in w]

        def damped(u: Profile, image: Profile) -> Tensor:
            return torch.cat((image[0], image[1] + cast(self.damping, u[1]) * u[1]), -1)

        def product(u: Tensor) -> Tensor:
            return damped(blocks := u.split(sizes, -1), point.jvp(blocks))

        def transposed(u: Tensor) -> Tensor:
            return damped(blocks := u.split(sizes, -1), point.vjp(blocks))

        solver = partial(solvers.gmres, iterations=self.iterations, tolerance=self.tolerance)
        right = torch.cat((point.v[0], torch.zeros_like(w[1])), -1)
        newton = solvers.solve(product, transposed, right, solver, oracle.differentiable).split(sizes, -1)[0]
        x, state = self.move(oracle, 0, w[0], newton, state)
        return (x, self.newton(oracle, (x, w[1]))), state
