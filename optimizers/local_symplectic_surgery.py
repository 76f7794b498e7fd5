"""Local symplectic surgery."""

from dataclasses import dataclass

import torch

from saddlebench.optimizers.adjustments.adjustment import Adjusted
from saddlebench.optimizers.adjustments.surgery import Surgery
from saddlebench.optimizers.optimizer import Composed, Optimizer, Oracle, Profile
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Count, NonNegativeScalar, Positive, PositiveScalar, Tolerance, cast, pick


@dataclass(frozen=True)
class LocalSymplecticSurgery(Composed):
    """w⁺ = w − (η/2)[v + Jᵀ(JᵀJ + λI)⁻¹Jᵀv]: near its fixed points the field's Jacobian is the symmetric part of J (LSS).

    Mazumdar, Jordan, Sastry 2019; there λ(w) = λ(1 − e^{−ξ‖v‖²}) vanishes at critical points (``fading``). This is the method with
    the inner problem solved; ``local-symplectic-surgery-two-time-scale`` follows its solution. It does not move, or moves
    away, where J is antisymmetric: on bilinear games.
    """

    name = "local-symplectic-surgery"
    paper = "Mazumdar et al. 2019"
    cost = "1 gradient + 2 products + 2 products an iteration (general-sum: n−1 more gradients)"

    step_size: Positive = 0.1  # η
    gamma: NonNegativeScalar = 0.1  # λ
    fading: PositiveScalar | None = None  # ξ; None: λ is constant
    iterations: Count = 20  # of conjugate gradients, a fixed number (fewer in small games)
    tolerance: Tolerance = 1e-12  # relative residual at which a run's solve stops

    def parts(self) -> Optimizer:
        """The combination."""
        surgery = Surgery(self.gamma, self.fading, self.iterations, self.tolerance)
        return Adjusted(surgery, SimultaneousGradient(self.step_size))


@dataclass(frozen=True)
class TwoTimeScaleSurgery(Optimizer):
    """u⁺ = u − b(Jᵀ(Ju − v) + λu), w⁺ = w − (η/2)(v + Jᵀu⁺): LSS, its inner problem followed by one step a step; u₀ = 0.

    Mazumdar, Jordan, Sastry 2019; the theory has η/b → 0. Whether w moves by u or u⁺ is a convention.
    """

    name = "local-symplectic-surgery-two-time-scale"
    paper = "Mazumdar et al. 2019"
    cost = "1 gradient + 3 products (general-sum: n−1 more gradients)"

    step_size: Positive = 0.02  # η
    inner_step_size: Positive = 0.1  # b
    gamma: NonNegativeScalar = 0.1  # λ

    def init(self, oracle: Oracle, w: Profile) -> Profile:
        """u, zero."""
        return tuple(torch.zeros_like(x) for x in w)

    def step(self, oracle: Oracle, w: Profile, state: Profile) -> tuple[Profile, Profile]:
        """One step of u, one of w."""
        point = oracle.at(w)
        rest = tuple(a - v for a, v in zip(point.jvp(state), point.v, strict=True))
        u = tuple(
            x - cast(pick(self.inner_step_size, i), x) * (pull + cast(self.gamma, x) * x)
            for i, (x, pull) in enumerate(zip(state, point.vjp(rest), strict=True))
        )
        moved = (v + t for v, t in zip(point.v, point.vjp(u), strict=True))
        return tuple(x - cast(pick(self.step_size, i), x) / 2 * d for i, (x, d) in enumerate(zip(w, moved, strict=True))), u
