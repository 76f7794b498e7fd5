from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import map_tensors
from saddlebench.errors import InputError
from saddlebench.games import mnist_mlp
from saddlebench.games.data import available
from saddlebench.games.draws import bits
from saddlebench.games.mnist_mlp import MnistMLP, training_images

SEEDS = torch.tensor([2, 4, 8])


@cache
def numbered_images() -> Tensor:
    """60,000 images whose first three pixels hold the image's number."""
    images = (bits(torch.tensor([0]), "images", 0, 0, 784) % 256).to(torch.uint8).repeat(60000, 1)
    number = torch.arange(60000)
    for digit in range(3):
        images[:, digit] = (number >> (8 * digit)) & 255
    return images


@pytest.fixture(autouse=True)
def made_up_images(monkeypatch, request):
    """The numbered images in place of the data set, but where a test asks for the real ones."""
    if "real_images" not in request.fixturenames:
        monkeypatch.setattr(mnist_mlp, "training_images", lambda device: numbered_images())


@pytest.fixture
def real_images() -> None:
    if not available("mnist"):
        pytest.skip("MNIST is not in the data cache")


def train(game: MnistMLP, optimizer: Any, seeds: Tensor, steps: int) -> tuple[Tensor, ...]:
    method, w, counts = build("optimizer", optimizer), game.initial(seeds), Counts(2)
    state = method.init(Oracle.at_step(game, seeds, 0, (), counts), w)
    for step in range(steps):
        w, state = method.step(Oracle.at_step(game, seeds, step, (), counts), w, state)
    return w


def test_an_epoch_shows_every_image_once():
    game = MnistMLP(latent=1, batch=100)
    assert game.steps_per_epoch == 600
    for epoch in (0, 1):
        shown = torch.cat([game.indices(SEEDS, step + 600 * epoch, 0) for step in range(600)], 1)
        for run in shown:
            assert torch.equal(run.sort().values, torch.arange(60000))


def test_a_batch_that_does_not_divide_leaves_a_remainder_out():
    game = MnistMLP(latent=1, batch=7000)
    assert game.steps_per_epoch == 8
    epochs = [torch.cat([game.indices(SEEDS[:1], step + 8 * epoch, 0) for step in range(8)], 1)[0] for epoch in (0, 1)]
    assert all(len(shown.unique()) == 56000 for shown in epochs)
    assert len(torch.cat(epochs).unique()) > 59000  # the 4,000 left out are others each time


def test_a_sample_holds_the_images_of_its_indices():
    game = MnistMLP(batch=50)
    z, images = game.sample(SEEDS, 1300, 1)[:2]
    assert z.shape == (3, 50, 64)
    assert images.shape == (3, 50, 784)
    assert z.dtype == images.dtype == torch.float32
    pixels = ((images[..., :3] + 1) * 127.5).round().long()
    assert torch.equal(pixels[..., 0] + 256 * pixels[..., 1] + 65536 * pixels[..., 2], game.indices(SEEDS, 1300, 1))


def test_samples_are_the_same_alone_and_differ_by_step_draw_and_seed():
    game = MnistMLP(batch=20)
    together = game.sample(SEEDS, 5, 1)[:2]
    for part, alone in zip(together, game.sample(SEEDS[1:2], 5, 1)[:2], strict=True):
        assert torch.equal(part[1:2], alone)
    for other in (game.sample(SEEDS, 6, 1), game.sample(SEEDS, 5, 0), game.sample(SEEDS + 1, 5, 1), game.sample(SEEDS, 605, 1)):
        assert not any(torch.equal(a, b) for a, b in zip(together, other[:2], strict=True))


@pytest.mark.parametrize("optimizer", ["adam", "extra-adam", {"consensus": {"step_size": 1e-3}}])
def test_runs_together_equal_runs_alone(optimizer):
    game = MnistMLP.small()
    together = train(game, optimizer, SEEDS, 10)
    for run in range(len(SEEDS)):
        for part, alone in zip(together, train(game, optimizer, SEEDS[run : run + 1], 10), strict=True):
            torch.testing.assert_close(part[run : run + 1], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("player", [0, 1])
def test_gradient_and_hessian_equal_finite_differences(player):
    game = MnistMLP(latent=2, width=3, depth=1, batch=2, activation="tanh")
    w = tuple(x.double() for x in game.initial(SEEDS[:1]))
    sample = map_tensors(lambda x: x.double(), game.sample(SEEDS[:1], 0, 0))
    part = slice(0, 9) if player == 0 else slice(2343, 2359)  # G's first layer; the end of D's first and its second

    def loss(x: Tensor) -> Tensor:
        moved = torch.cat((w[player][:, : part.start], x, w[player][:, part.stop :]), 1)
        return game.losses((moved, w[1]) if player == 0 else (w[0], moved), sample, ())[player]

    x = w[player][:, part].clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, (x,))
    assert torch.autograd.gradgradcheck(loss, (x,))


def test_generated_images_are_in_range_and_fixed_by_seed():
    game = MnistMLP()
    w = game.initial(SEEDS)
    images = game.samples(w, SEEDS, 6)
    assert images.shape == (3, 6, 28, 28)
    assert images.abs().max() <= 1
    torch.testing.assert_close(game.samples((w[0][1:], w[1][1:]), SEEDS[1:], 4), images[1:, :4])


def test_too_large_a_batch_is_refused():
    with pytest.raises(InputError, match="larger than the data set"):
        build("game", {"mnist-mlp": {"batch": 60001}})


def test_missing_data_are_named_with_the_command_that_fetches_them(real_images, monkeypatch, tmp_path):
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))
    training_images.cache_clear()
    with pytest.raises(InputError, match="saddlebench data fetch mnist"):
        MnistMLP().initial(SEEDS)
    training_images.cache_clear()


def test_real_images_are_mnist(real_images):
    images = training_images(torch.device("cpu"))
    assert images.shape == (60000, 784)
    assert float(images.sum(dtype=torch.float64)) / images.numel() / 255 == pytest.approx(0.1307, abs=1e-4)
    batch = MnistMLP().sample(SEEDS, 0, 0).real
    assert batch.min() == -1
    assert batch.max() == 1
