"""Adaptive competitive gradient descent."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.competitive_gradient import CompetitiveGradient
from saddlebench.optimizers.optimizer import Optimizer, Oracle, Profile
from saddlebench.optimizers.rules.rule import root
from saddlebench.optimizers.search import SMALL_STEP, Space
from saddlebench.parameters import Count, Decay, Positive, Tolerance, cast, pick


class AdaptiveState(NamedTuple):
    """Each player's mean square, and its decay's power βᵗ, ``(runs, 1)``."""

    squares: Profile
    powers: tuple[Tensor, ...]
    passive = ("powers",)  # a counter, not part of the step map


@dataclass(frozen=True)
class AdaptiveCompetitiveGradient(Optimizer):
    """w⁺ = w − (I + D H_o)⁻¹ D v, D = diag(η√(1−βᵗ)/(√s⁺ + ε)), s⁺ = β s + (1−β) v² (ACGD).

    Competitive gradient descent in Adam's metric, without a first moment. Schäfer, Zheng, Anandkumar, ICML 2020 (implicit
    competitive regularization), with the defaults of its code.
    """

    name = "adaptive-competitive-gradient"
    paper = "Schäfer et al. 2020"
    cost = "1 gradient + 1 product + 1 product an iteration (general-sum: n−1 more gradients)"
    search: ClassVar[Space] = {"step_size": SMALL_STEP}

    step_size: Positive = 1e-3  # η
    smoothing: Decay = 0.99  # β
    epsilon: Positive = 1e-5  # ε
    iterations: Count = 20  # of the linear solver, a fixed number (fewer where the rank is smaller)
    tolerance: Tolerance = 1e-12  # relative residual at which a run's solve stops

    @property
    def autonomous(self) -> bool:
        """No: √(1−βᵗ) depends on the step's number."""
        return False

    @property
    def singular_at_rest(self) -> str:
        """A root mean square of zero."""
        return "ACGD divides by √s, which has no derivative at s = 0"

    def init(self, oracle: Oracle, w: Profile) -> AdaptiveState:
        """Zero squares."""
        one = w[0].new_ones((w[0].shape[0], 1), dtype=torch.float64)
        return AdaptiveState(tuple(torch.zeros_like(x) for x in w), (one,) * len(w))

    def step(self, oracle: Oracle, w: Profile, state: AdaptiveState) -> tuple[Profile, AdaptiveState]:
        """One linearisation, one solve in the metric of the mean squares."""
        point = oracle.at(w)
        squares, powers, scales = [], [], []
        for i, v in enumerate(point.v):
            beta = pick(self.smoothing, i)
            squares.append(cast(beta, v) * state.squares[i] + cast(1 - beta, v) * v**2)
            powers.append(state.powers[i] * beta)
            rate = cast(pick(self.step_size, i) * (1 - powers[i]).sqrt(), v)
            scales.append((rate / (root(squares[i]) + cast(pick(self.epsilon, i), v))).sqrt())
        moves = CompetitiveGradient(iterations=self.iterations, tolerance=self.tolerance).moves(oracle, point, scales)
        return tuple(x - d for x, d in zip(w, moves, strict=True)), AdaptiveState(tuple(squares), tuple(powers))
