"""The step's spectrum on convolutional GANs at a checkpoint: Arnoldi against the dense computation, exactness, frozen buffers.

Networks of 8 × 8 pixels and one or two channels, so that the whole Jacobian can be formed.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from saddlebench.bench import spectrum
from saddlebench.bench.build import build
from saddlebench.bench.jacobian import game_spectrum
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.spectrum import StepMap
from saddlebench.games.image_data import training_set

SEEDS = torch.tensor([5])
TINY = {"side": 8, "channels": 1, "latent": 1, "batch": 3, "initialisation": "xavier"}
GAMES = {
    "dcgan": {"cifar10-dcgan": TINY | {"generator_width": 1, "discriminator_width": 1}},
    "sn-resnet": {"cifar10-resnet": TINY | {"generator_width": 1, "discriminator_width": 1, "loss": "non-saturating"}},
}
OPTIMIZERS = {
    "simultaneous-gradient": {"step_size": 0.05},
    "extragradient": {"step_size": 0.05},
    "consensus": {"step_size": 0.02},
    "symplectic-gradient": {"step_size": 0.02},
    "adam": {"step_size": 1e-3, "betas": [0.5, 0.9]},
}
SLOW = {("sn-resnet", "consensus"), ("sn-resnet", "symplectic-gradient"), ("sn-resnet", "adam"), ("dcgan", "symplectic-gradient")}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(1)
    for k in range(12):
        rows = np.linspace(0, 20 * k, 8)[:, None] + generator.integers(0, 20, (8, 8))
        Image.fromarray(rows.clip(0, 255).astype(np.uint8)).save(home / f"{k:02}.png")
    return home


@pytest.fixture
def checkpoint(pictures, tmp_path, monkeypatch):
    """The step map of a game and an optimizer by name, after six steps in float64."""
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))
    training_set.cache_clear()

    def played(game: str, optimizer: str) -> StepMap:
        [(name, parameters)] = GAMES[game].items()
        made, method = (
            build("game", {name: parameters | {"data": str(pictures)}}),
            build("optimizer", {optimizer: OPTIMIZERS[optimizer]}),
        )
        w, counts = tuple(x.double() for x in made.initial(SEEDS)), Counts(2)
        buffers = made.buffers(w, SEEDS)

        def oracle(step: int) -> Oracle:
            return Oracle.at_step(made, SEEDS, step, buffers, counts, torch.float64)

        state = method.init(oracle(0), w)
        for step in range(6):
            w, state = method.step(oracle(step), w, state)
            buffers = made.advance(w, buffers)
        return StepMap(made, method, SEEDS, 6, buffers, w, state)

    return played


# The dense Jacobian has a run an unknown, and on a CPU a convolution takes one run after another.
PAIRS = [
    pytest.param(game, optimizer, marks=[pytest.mark.slow] if (game, optimizer) in SLOW else [])
    for game in GAMES
    for optimizer in OPTIMIZERS
]


@pytest.mark.parametrize(("game", "optimizer"), PAIRS)
def test_arnoldi_equals_the_dense_computation(checkpoint, monkeypatch, game, optimizer):
    step_map = checkpoint(game, optimizer)
    kept = [x.clone() for x in (*step_map.w, *step_map.buffers)]
    assert 100 < step_map.unknowns <= spectrum.DENSE_LIMIT
    dense = step_map.spectrum()
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 10)
    arnoldi = step_map.spectrum()
    assert dense.residuals is None
    assert arnoldi.residuals is not None
    moduli = [np.abs(s.eigenvalues)[:4] for s in (arnoldi, dense)]
    np.testing.assert_allclose(*moduli, rtol=1e-6)
    assert arnoldi.radius == pytest.approx(dense.radius, rel=1e-6)
    assert all(torch.equal(a, b) for a, b in zip((*step_map.w, *step_map.buffers), kept, strict=True))


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("game", list(GAMES))
def test_products_equal_finite_differences_of_the_step(checkpoint, game, optimizer):
    """⟨u, M x⟩ along generic directions, with the power-iteration vectors and the sample frozen."""
    step_map = checkpoint(game, optimizer)
    count = torch.arange(step_map.unknowns, dtype=torch.float64)
    x, u = (1.7 * count + 0.2).cos(), (0.9 * count - 0.4).sin()
    sizes = [part.shape[-1] for part in step_map.parts]
    x = x * torch.cat(step_map.parts, -1)[0].abs()  # a share of each number: Adam's second moments must not become negative

    def ahead(step: float) -> torch.Tensor:
        moved = [p + step * d for p, d in zip(step_map.parts, x.split(sizes), strict=True)]
        return torch.cat(step_map.apply(moved), -1)[0]

    exact = step_map.transposed_products(u[None])[0] @ x
    gaps = []
    for step in (1e-5, 1e-7):  # kinks of the ReLUs may lie within the longer
        numeric = (ahead(step) - ahead(-step)) @ u / (2 * step)
        gaps.append(abs(float((numeric - exact) / exact)))
    assert min(gaps) < 1e-5


@pytest.mark.parametrize("game", list(GAMES))
def test_the_games_own_jacobian_likewise(checkpoint, monkeypatch, game):
    step_map = checkpoint(game, "simultaneous-gradient")
    point = step_map.game, SEEDS, step_map.step, step_map.buffers, step_map.w
    dense = game_spectrum(*point)
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 10)
    arnoldi = game_spectrum(*point)
    np.testing.assert_allclose(np.abs(arnoldi.eigenvalues)[:4], np.abs(dense.eigenvalues)[:4], rtol=1e-6)

    # Simultaneous gradient descent is w − ηv: its eigenvalues are 1 − ηλ.
    step = StepMap(step_map.game, step_map.optimizer, SEEDS, step_map.step, step_map.buffers, step_map.w, step_map.state)
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 2000)
    expected = np.sort(np.abs(1 - 0.05 * dense.eigenvalues))[::-1]
    np.testing.assert_allclose(np.abs(step.spectrum().eigenvalues)[:20], expected[:20], rtol=1e-8)


def test_buffers_are_part_of_the_point_and_not_of_the_state(checkpoint):
    """Other power-iteration vectors give another Jacobian; the state has none of them among its unknowns."""
    step_map = checkpoint("sn-resnet", "simultaneous-gradient")
    assert step_map.unknowns == sum(step_map.game.sizes)
    later = step_map.game.advance(tuple(1.5 * x.cos() for x in step_map.w), step_map.buffers)
    moved = StepMap(step_map.game, step_map.optimizer, SEEDS, 6, later, step_map.w, step_map.state)
    u = torch.ones(1, step_map.unknowns, dtype=torch.float64)
    assert not torch.allclose(step_map.transposed_products(u), moved.transposed_products(u))
    assert torch.equal(step_map.transposed_products(u), step_map.transposed_products(u))
