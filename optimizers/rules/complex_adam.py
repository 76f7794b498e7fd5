"""Adam with a complex first moment."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.rules.complex_momentum import ComplexMomentum, ComplexVelocity
from saddlebench.optimizers.rules.rule import Rule, root
from saddlebench.optimizers.search import SMALL_STEP, Space, Uniform
from saddlebench.parameters import Decay, NonNegative, Real, cast, pick


class ComplexAdamState(NamedTuple):
    """The complex velocity, the second moment, and β₂ᵗ."""

    velocity: ComplexVelocity
    square: Tensor
    power: Tensor
    passive = ("power",)  # a counter, not part of the step map


@dataclass(frozen=True)
class ComplexAdam(Rule):
    """μ⁺ = β₁ μ + g, s⁺ = β₂ s + (1−β₂) g², d = Re μ⁺ / (√(s⁺/(1−β₂ᵗ)) + ε), with β₁ = r e^{iφ} ∈ ℂ.

    Lorraine, Acuna, Vicol, Duvenaud, AISTATS 2022, who put it in place of Adam's β₁ in BigGAN. The velocity is that of
    ``complex-momentum``, neither averaged nor corrected for its start: r = 0 is Adam with β₁ = 0.
    """

    name = "complex-adam"
    paper = "Lorraine et al. 2022"
    search: ClassVar[Space] = {"step_size": SMALL_STEP, "momentum_argument": Uniform(0, math.pi)}

    momentum_modulus: Decay = 0.8  # r
    momentum_argument: Real = math.pi / 8  # φ
    smoothing: Decay = 0.999  # β₂
    epsilon: NonNegative = 1e-8  # ε

    @property
    def autonomous(self) -> bool:
        """No: the bias correction depends on the step's number."""
        return False

    @property
    def singular_at_rest(self) -> str:
        """A root mean square of zero."""
        return "Adam divides by √s, which has no derivative at s = 0"

    @property
    def _momentum(self) -> ComplexMomentum:
        return ComplexMomentum(self.momentum_modulus, self.momentum_argument)

    def init(self, i: int, w: Tensor) -> ComplexAdamState:
        """At rest."""
        return ComplexAdamState(self._momentum.init(i, w), torch.zeros_like(w), w.new_ones((w.shape[0], 1), dtype=torch.float64))

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: ComplexAdamState) -> tuple[Tensor, ComplexAdamState]:
        """The velocity's real part over the bias-corrected root mean square."""
        along, velocity = self._momentum.direction(i, w, gradient, state.velocity)
        beta = pick(self.smoothing, i)
        square, power = cast(beta, gradient) * state.square + cast(1 - beta, gradient) * gradient**2, state.power * beta
        scale = root(square * cast(1 / (1 - power), gradient)) + cast(pick(self.epsilon, i), gradient)
        return along / scale, ComplexAdamState(velocity, square, power)
