"""CPU seconds of a map of 100 × 100 settings, 500 steps, on the bilinear game: radii, verdicts and steps to tolerance.

Run with ``make bench``. One thread; imports and pictures are not counted.
"""

import time

import numpy as np
import pytest
import torch

import saddlebench

STEPS = np.linspace(0.01, 2, 100)
MOMENTA = np.linspace(-0.9, 0.9, 100)
FRACTIONS = np.linspace(0, 0.95, 100)
PLAYERS = ({"step_size": [0.1, 0.1]}, "step_size.0", "step_size.1", STEPS)
MAPS = {
    "simultaneous-gradient": PLAYERS,
    "alternating-gradient": PLAYERS,
    "heavy-ball": ({}, "step_size", "momentum", MOMENTA),
    "alternating-heavy-ball": ({}, "step_size", "momentum", MOMENTA),
    "nesterov": ({}, "step_size", "momentum", MOMENTA),
    "extragradient": ({}, "step_size", "extrapolation_step", STEPS),
    "past-extragradient": PLAYERS,
    "optimistic-gradient": ({}, "step_size", "optimism", STEPS),
    "adam": ({}, "step_size", "betas.0", FRACTIONS),
    "rmsprop": ({}, "step_size", "smoothing", FRACTIONS),
    "complex-momentum": ({}, "step_size", "momentum_modulus", FRACTIONS),
    "lookahead-minmax": ({}, "base.step_size", "alpha", np.linspace(0.01, 1, 100)),
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_of_ten_thousand_settings(benchmark, name):
    given, x, y, values = MAPS[name]
    saddlebench.stability_map("bilinear", {name: given}, {x: [0.1, 0.2]}, steps=5)  # imports
    seconds = []

    def whole():
        began = time.process_time()
        frame = saddlebench.stability_map("bilinear", {name: given}, {x: STEPS}, {y: values})
        seconds.append(time.process_time() - began)
        return frame

    frame = benchmark.pedantic(whole, rounds=3, iterations=1)
    assert len(frame) == 10_000
    benchmark.extra_info["cpu_seconds"] = min(seconds)
    print(f"\n{name}: {min(seconds):.2f} s of CPU for 10,000 settings × 500 steps")
