"""`saddlebench run` with a folder of the user's own pictures in the place of a data set."""

import numpy as np
import pandas as pd
from PIL import Image

SMALL = [f"game.{x}" for x in ("batch=4", "latent=2", "generator_width=2", "discriminator_width=2", "metrics=none")]


def pictures(home):
    generator = np.random.default_rng(0)
    for k in range(8):
        (home / f"{k % 2}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (40, 32, 3), dtype=np.uint8)).save(home / f"{k % 2}" / f"{k}.png")
    return home


def test_a_folder_plays_in_the_place_of_cifar10(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "cache"))
    home = pictures(tmp_path / "pictures")
    settings = [word for setting in (*SMALL, f"game.data={home}", "game.conditional=true") for word in ("--set", setting)]
    said = cli("run", "--game", "cifar10-dcgan", *settings, "--optimizer", "adam", "--steps", "2", "--seeds", "1", "-o", "out")
    assert said.code == 0, said.err
    runs = pd.read_parquet(tmp_path / "out/runs.parquet")
    assert runs["status"].tolist() == ["completed"]
    assert (tmp_path / "cache/prepared").is_dir()


def test_a_folder_that_is_not_there_is_an_input_error(cli, tmp_path):
    said = cli("run", "--game", "cifar10-dcgan", "--set", "game.data=./nowhere", "--optimizer", "adam", "--steps", "2", "-o", "out")
    assert said.code == 2
    assert "./nowhere is not there: expected a folder of images" in said.err
    assert not (tmp_path / "out").exists()
