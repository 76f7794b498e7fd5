"""What a step is estimated to need, against what it needs."""

import subprocess
import sys

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.cells import cross, groups
from saddlebench.bench.cli.running import _planned_rows
from saddlebench.bench.contracts.playing import advance, begin, tensors
from saddlebench.bench.estimate import estimate
from saddlebench.bench.settings import Settings
from saddlebench.games import image_data

MEASURE = """
import sys, torch
torch.set_num_threads(1)
from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin
optimizer = build("optimizer", {"alternating-gradient": {"schedule": [1, 0], "rule": "adam"}})
def play(**values):
    game = build("game", {"biggan": {"side": 32, "latent": 80, "batch": 32, **values}})
    advance(game, optimizer, begin(game, optimizer, torch.tensor([0])), 2)
def status(name):
    return [int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(name)][0]
play(side=16, latent=6, generator_width=2, discriminator_width=2, batch=8)  # the libraries' own
before = status("VmRSS")
play(generator_width=32, discriminator_width=32)
print(status("VmHWM") - before)
"""


def test_what_is_kept_is_the_state_and_the_data():
    image_data.training_set.cache_clear()
    game, optimizer = build("game", "biggan").small(), build("optimizer", "adam")
    found = estimate(game, optimizer)
    play = advance(game, optimizer, begin(game, optimizer, torch.tensor([0])), 1)
    state = sum(x.untyped_storage().nbytes() for _, x in tensors((play.w, play.state)))
    vectors = sum(4 * sum(network.vectors.values()) for network in game.networks)
    data = 50000 * (3 * 16 * 16 + 8)
    assert found.parameters == game.sizes
    assert state + vectors + data <= found.kept_bytes <= state + vectors + data + 200
    assert found.peak_bytes > found.kept_bytes + 4 * sum(game.sizes)  # at least a gradient besides


def test_operations_are_those_of_products():
    game = build("game", {"mnist-mlp": {"batch": 10, "latent": 8, "width": 16, "depth": 1}})
    g, d = 8 * 16 + 16 * 784, 784 * 16 + 16
    found = estimate(game, build("optimizer", "simultaneous-gradient"))
    # A pass over a product costs 2 for each weight and example: forward once, backward once for the weights, once for the input,
    # which latents and real images do not ask for.
    forward = g + 2 * d
    of_g = (2 * g - 8 * 16) + d  # through D to its input, then G
    of_d = 2 * (2 * d - 784 * 16)
    assert found.flops == 2 * 10 * (forward + of_g + of_d)


@pytest.mark.slow
def test_the_peak_is_that_of_a_real_step_within_a_fifth():
    if not sys.platform.startswith("linux"):
        pytest.skip("peak memory of a process is read from /proc")
    image_data.training_set.cache_clear()
    values = {"side": 32, "latent": 80, "batch": 32, "generator_width": 32, "discriminator_width": 32}
    optimizer = build("optimizer", {"alternating-gradient": {"schedule": [1, 0], "rule": "adam"}})
    found = estimate(build("game", {"biggan": values}), optimizer)
    measured = int(subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, check=True, text=True).stdout)
    assert abs(found.peak_bytes / measured - 1) < 0.2


def test_a_dry_run_says_what_large_networks_need_and_nothing_of_small_ones():
    large, small = build("game", {"mnist-mlp": {"width": 1024}}), build("game", "mnist-mlp")
    cells = cross([large, small], [build("optimizer", "adam")], [0], Settings(steps=10))
    first, second = _planned_rows(groups(cells))
    found = estimate(large, build("optimizer", "adam"))
    assert first["parameters"] == " + ".join(f"{size / 1e6:.1f} M" for size in large.sizes)
    assert first["peak_gb"] == pytest.approx(found.peak_bytes / 1e9, rel=0.01)
    assert first["tflop_a_step"] == pytest.approx(found.flops / 1e12, rel=0.01)
    assert second["peak_gb"] is None
