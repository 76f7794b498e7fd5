"""Pictures from models: without data, and refused in one line where there is nothing to draw."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from saddlebench.bench.drawing import Draws, spherical
from saddlebench.bench.models import read_model
from saddlebench.games.data import available

DIGITS = {"latent": 8, "generator_width": 2, "discriminator_width": 2, "batch": 4, "metrics": "none", "conditional": True}
EMA = '{"moving-average": {"base": {"adam": {"step_size": 0.01}}, "decay": 0.5}}'
OWN = """
from dataclasses import dataclass
from saddlebench.games.gaussian_ring import GaussianRing

@dataclass(frozen=True)
class Mine(GaussianRing):
    name = "mine"
    width: int = 4
"""


@pytest.fixture
def model(cli, tmp_path, monkeypatch):
    """Trains a game for a few steps; the data cache is out of reach afterwards."""

    def train(game, optimizer="adam", steps=4):
        said = cli("run", "--game", game, "--optimizer", optimizer, "--steps", steps, "--seeds", 1, "--out", "here")
        assert said.code == 0, said.err
        monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "no data"))
        (found,) = (tmp_path / "here").glob("models/*/*.safetensors")
        return found

    return train


@pytest.fixture
def digits(model):
    if not available("mnist"):
        pytest.skip("MNIST is not in the data cache")
    return model(json.dumps({"mnist-dcgan": DIGITS}), EMA)


def pixels(path):
    return np.asarray(Image.open(path).convert("L"))


def test_the_picture_is_the_run_s_own_and_needs_no_data(cli, digits, tmp_path):
    said = cli("sample", digits, "-o", "grid.png")
    assert said.code == 0, said.err
    (own,) = (tmp_path / "here").glob("samples/*/*.png")
    assert np.array_equal(pixels("grid.png"), pixels(own))
    assert pixels("grid.png").shape == (8 * 30 + 2, 8 * 30 + 2)


def test_answers_and_seeds_are_different_pictures(cli, digits):
    for k, options in enumerate([(), ("--answer", "average"), ("--seed", 1), ("--class", 3)]):
        assert cli("sample", digits, "-n", 8, "-o", f"{k}.png", *options).code == 0
    pictures = [pixels(f"{k}.png") for k in range(4)]
    assert all(not np.array_equal(a, b) for k, a in enumerate(pictures) for b in pictures[:k])


def test_a_sheet_a_class(cli, digits, tmp_path):
    said = cli("sample", digits, "-n", 6, "-o", "grid.png", "--sheets")
    assert said.code == 0, said.err
    assert "10 sheets of 6 images in grid-classes" in said.err
    assert len(list((tmp_path / "grid-classes").iterdir())) == 10
    assert cli("sample", digits, "-n", 6, "-o", "three.png", "--class", 3).code == 0
    three = pixels("three.png").astype(int)
    assert np.abs(pixels(tmp_path / "grid-classes" / "class-3.png") - three).max() <= 1
    (own,) = (tmp_path / "here").glob("samples/*/*-classes")
    assert len(list(own.iterdir())) == 10  # the run drew them too


def test_a_walk_begins_and_ends_at_the_samples(digits):
    draws = Draws(read_model(digits), label=2)
    walks, samples = draws.walks(2).unflatten(0, (2, 8)), draws.samples(4)
    torch.testing.assert_close(walks[:, 0], samples[0::2], rtol=0, atol=1e-5)
    torch.testing.assert_close(walks[:, -1], samples[1::2], rtol=0, atol=1e-5)


def test_arcs_keep_their_length():
    start, end = torch.eye(5, dtype=torch.float64)[:2]
    points = spherical(start, 2 * end, 9)
    t = torch.linspace(0, 1, 9, dtype=torch.float64) * torch.pi / 2
    torch.testing.assert_close(points, t.cos()[:, None] * start + 2 * t.sin()[:, None] * end)
    torch.testing.assert_close(spherical(start, start, 3), start.expand(3, 5))


def test_neighbours_need_the_data_and_say_so(cli, digits):
    said = cli("sample", digits, "--neighbours")
    assert (said.code, said.out) == (2, "")
    assert "run `saddlebench data fetch mnist` first" in said.err


def test_each_sample_stands_beside_its_nearest_training_image(model, digits, monkeypatch):
    from saddlebench.games.data import load

    monkeypatch.delenv("SADDLEBENCH_DATA")
    images, _ = load("mnist", "train")
    wanted = torch.from_numpy(images[[5, 777]]).float() / 127.5 - 1
    pairs, measures = Draws(read_model(digits)).neighbours(0.98 * wanted)
    torch.testing.assert_close(pairs[1::2].squeeze(1), wanted)
    assert measures["copied_fraction"] == 1
    assert measures["nearest_ratio"] < 0.1


def test_points_of_a_game_of_the_user_s_own(cli, model, tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    path = model("./mine.py:Mine")
    assert cli("sample", path, "-n", 100, "-o", "points.png").code == 0
    assert pixels("points.png").std() > 0
    assert "for images" in cli("sample", path, "--interpolate", 2).err
    (tmp_path / "mine.py").rename(tmp_path / "moved.py")
    said = cli("sample", path)
    assert said.code == 2
    assert "name the file by --game" in said.err
    assert cli("sample", path, "--game", "./moved.py:Mine").code == 0
    (tmp_path / "moved.py").write_text(OWN + "\n# changed\n")
    assert "has changed since the run" in cli("sample", path, "--game", "./moved.py:Mine").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.safetensors"], "there is no file none.safetensors"),
        (["picture.png"], "is no model"),
        (["foreign.safetensors"], "not of saddlebench"),
        (["torn.safetensors"], "torn"),
        (["."], "is a directory"),
        (["torn.safetensors", "-o", "grid.jpg"], "must end in .png"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(cli, tmp_path, arguments, message):
    cli("--version")
    (tmp_path / "picture.png").write_bytes(b"x")
    (tmp_path / "torn.safetensors").write_bytes(b"x" * 50)
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    before = sorted(tmp_path.rglob("*"))
    said = cli("sample", *arguments)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert message in said.err
    assert sorted(tmp_path.rglob("*")) == before


def test_what_the_model_does_not_have_is_one_line(cli, model):
    path = model('{"gaussian-ring": {"width": 4, "depth": 1}}')
    assert "answer last alone" in cli("sample", path, "--answer", "average").err
    assert "is not told a class" in cli("sample", path, "--class", 1).err
