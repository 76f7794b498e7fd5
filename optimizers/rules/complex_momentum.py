"""Momentum with a complex coefficient."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.search import Space, Uniform
from saddlebench.parameters import Decay, Real, cast, pick


class ComplexVelocity(NamedTuple):
    """Real and imaginary part of μ."""

    real: Tensor
    imaginary: Tensor


@dataclass(frozen=True)
class ComplexMomentum(Rule):
    """μ⁺ = β μ + g, d = Re μ⁺, with β = r e^{iφ} ∈ ℂ.

    Lorraine, Acuna, Vicol, Duvenaud, AISTATS 2022, with a real step size. φ = 0 is heavy ball with β ≥ 0, φ = π negative momentum.
    """

    name = "complex-momentum"
    paper = "Lorraine et al. 2022"
    search: ClassVar[Space] = {"momentum_argument": Uniform(0, math.pi)}

    momentum_modulus: Decay = 0.8  # r
    momentum_argument: Real = math.pi / 8  # φ

    def init(self, i: int, w: Tensor) -> ComplexVelocity:
        """Zero."""
        return ComplexVelocity(torch.zeros_like(w), torch.zeros_like(w))

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: Any) -> tuple[Tensor, ComplexVelocity]:
        """The real part of the next velocity."""
        modulus, argument = pick(self.momentum_modulus, i), pick(self.momentum_argument, i)
        cos, sin = (argument.cos(), argument.sin()) if isinstance(argument, Tensor) else (math.cos(argument), math.sin(argument))
        a, b = cast(modulus * cos, gradient), cast(modulus * sin, gradient)
        velocity = ComplexVelocity(a * state.real - b * state.imaginary + gradient, b * state.real + a * state.imaginary)
        return velocity.real, velocity
