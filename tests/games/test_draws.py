"""Draws in the precision that they are asked in."""

import numpy as np
import pytest
import torch

from saddlebench.games.draws import bits, normal, uniform

SEEDS = torch.arange(50)


def test_float64_draws_carry_float64_digits():
    words = bits(SEEDS, "what", 3, 1, 8).numpy().astype(np.float64)
    u = (words + 0.5) / 2**32
    assert uniform(SEEDS, "what", 8, 3, 1).numpy() == pytest.approx(u, rel=1e-15)
    radius, angle = np.sqrt(-2 * np.log(u[:, ::2])), 2 * np.pi * u[:, 1::2]
    expected = np.stack((radius * np.cos(angle), radius * np.sin(angle)), -1).reshape(len(SEEDS), -1)
    assert normal(SEEDS, "what", 8, 3, 1).numpy() == pytest.approx(expected, rel=1e-12)


def test_float32_draws_are_those_of_float64_rounded():
    exact = normal(SEEDS, "what", 8)
    rounded = normal(SEEDS, "what", 8, dtype=torch.float32)
    assert rounded.dtype == torch.float32
    assert torch.allclose(rounded.double(), exact, atol=1e-5)
