"""`saddlebench data prepare` and `verify`, as a user types them."""

import numpy as np
import pytest

from saddlebench.errors import InputError

from ...games.data import imagenet_forms as forms  # noqa: TID252 - tests are no package that could be named


@pytest.fixture
def source(tmp_path, monkeypatch):
    try:
        forms.open_pictures()
    except InputError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "data"))
    return forms.as_folder(tmp_path / "raw", 40, 12)


def test_prepare_list_verify(cli, source, tmp_path):
    asked = ("data", "prepare", "imagenet", "--source", source, "--size", "16", "--workers", "1")
    said = cli(*asked)
    home = tmp_path / "data" / "imagenet16"
    assert (said.code, said.out) == (0, f"{home}\n")
    assert "imagenet16: train: 40 images of 10 classes" in said.err
    assert "40/40 images" in said.err
    assert "imagenet16: test: 12 images (10 colour, 1 CMYK, 1 grey), checksum" in said.err
    again = cli(*asked)
    assert again.code == 0
    assert "train: there already, 40 images" in again.err
    row = cli("data", "list").rows()[-1]
    assert (row["name"], row["there"], row["where"]) == ("imagenet16", "yes", str(home))
    assert cli("data", "verify", "imagenet16").code == 0
    rows = np.load(home / "train_images.npy", mmap_mode="r+")
    rows[3, 0, 0, 0] ^= 1
    rows.flush()
    wrong = cli("data", "verify", "imagenet16")
    assert wrong.code == 1
    assert "train images 0 to 39 have another checksum" in wrong.err
    assert cli(*asked, "--force").code == 0
    assert cli("data", "verify", "imagenet16").code == 0


def test_pictures_left_out_are_named(cli, source):
    file = next((source / "train").glob("*/*"))
    file.write_bytes(b"nothing")
    said = cli("data", "prepare", "imagenet", "--source", source, "--size", "16", "--workers", "1")
    assert said.code == 0
    assert "imagenet16: train: 1 picture left out: cannot read the image" in said.err
    assert file.name in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("imagnet", "--source", ".", "--size", "16"), "unknown data set to prepare 'imagnet': did you mean 'imagenet'?"),
        (("imagenet", "--source", "nowhere", "--size", "16"), "nowhere is not there: expected ImageNet's folder"),
        (("imagenet", "--source", ".", "--size", "16"), ". has neither train/WNID/*.JPEG nor train-*.parquet"),
    ],
)
def test_bad_input_is_one_line(cli, tmp_path, monkeypatch, arguments, said):
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "data"))
    found = cli("data", "prepare", *arguments)
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_verify_needs_a_data_set_that_is_there(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "data"))
    assert "data prepare imagenet --source DIR --size 32" in cli("data", "verify", "imagenet32").err
    assert "data fetch mnist" in cli("data", "verify", "mnist").err
