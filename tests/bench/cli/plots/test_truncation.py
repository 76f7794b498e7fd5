"""`saddlebench plot truncation`: from a trained model to its table and curve."""

import json

import pytest

from saddlebench.games.data import available

TINY = {"side": 16, "latent": 6, "generator_width": 2, "discriminator_width": 2, "shared": 3, "batch": 6, "standing_batches": 2}


@pytest.fixture
def model(cli, tmp_path):
    if not available("cifar10"):
        pytest.skip("CIFAR-10 is not in the data cache")
    game = json.dumps({"biggan": TINY | {"metrics": "none"}})
    said = cli("run", "--game", game, "--optimizer", "adam", "--steps", 2, "--seeds", 1, "--out", "here")
    assert said.code == 0, said.err
    (found,) = (tmp_path / "here").glob("models/*/*.safetensors")
    return found


def test_a_model_s_measures_over_thresholds(cli, model, tmp_path):
    asked = ("plot", "truncation", model, "--metrics", "n_fake=20&n_real=40", "--thresholds", "0.5,inf")
    said = cli(*asked, "-o", "t.svg")
    assert said.code == 0, said.err
    rows = said.rows()
    assert [row["threshold"] for row in rows] == ["0.5", "∞"]
    assert rows[0]["fd_lite0_pca64"] != rows[1]["fd_lite0_pca64"]
    assert ">precision<" in (tmp_path / "t.svg").read_text()
    assert cli("plot", "truncation", model).code == 2  # trained without measures
    wrong = cli(*asked, "--x", "precison")
    assert (wrong.code, "did you mean 'precision'" in wrong.err) == (2, True)
    assert cli(*asked[:-1], "0,1").err.startswith("saddlebench: --thresholds 0,1: expected positive numbers")
