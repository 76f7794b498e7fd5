"""Adam with a complex first moment: by complex arithmetic, and its special case."""

import cmath
import math

import pytest
import torch

from saddlebench.bench.build import build

GRADIENTS = (2.0, -1.0, 0.5, 0.1)


def directions(rule):
    state, found = rule.init(0, torch.zeros(1, 1, dtype=torch.float64)), []
    for g in GRADIENTS:
        d, state = rule.direction(0, torch.zeros(1, 1), torch.tensor([[g]], dtype=torch.float64), state)
        found.append(float(d))
    return found


def test_it_is_a_complex_velocity_over_adams_root_mean_square():
    beta, velocity, square, expected = 0.8 * cmath.exp(1j * math.pi / 8), 0j, 0.0, []
    for t, g in enumerate(GRADIENTS, 1):
        velocity, square = beta * velocity + g, 0.999 * square + 0.001 * g**2
        expected.append(velocity.real / (math.sqrt(square / (1 - 0.999**t)) + 1e-8))
    assert directions(build("rule", "complex-adam")) == pytest.approx(expected, rel=1e-12)


def test_without_a_velocity_it_is_adam_without_momentum():
    plain = directions(build("rule", {"adam": {"betas": [0.0, 0.999]}}))
    assert directions(build("rule", {"complex-adam": {"momentum_modulus": 0.0}})) == pytest.approx(plain, rel=1e-12)
