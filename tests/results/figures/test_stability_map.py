"""Figures of maps made here."""

import numpy as np
import pytest

import saddlebench
from saddlebench.results.figures.stability_map import stability_map

X = {"step_size": np.linspace(0.1, 1.6, 12)}
MAPS = {
    "two": ("extragradient", X, {"extrapolation_step": np.geomspace(0.1, 1, 7)}),
    "one": ("extragradient", X, None),
    "no spectrum": ("adam", X, {"betas.0": [0.0, 0.5]}),
    "no spectrum, one": ("adam", X, None),
    "never": ("simultaneous-gradient", X, None),
    "whole numbers": ("lookahead-minmax", {"base.step_size": [0.1, 0.2, 0.4]}, {"inner_steps": [1, 2, 3]}),
    "a row": ("extragradient", X, {"extrapolation_step": [0.3]}),
}


@pytest.fixture(scope="module")
def maps():
    return {name: saddlebench.stability_map("bilinear", *given, steps=60) for name, given in MAPS.items()}


@pytest.mark.parametrize("name", MAPS)
def test_every_kind_of_map_is_drawn_and_says_what_it_is(maps, tmp_path, name):
    text = stability_map(maps[name], tmp_path / "deep/map.svg").read_text()
    assert f"{MAPS[name][0]} on bilinear, 60 steps" in text
    assert ("spectral radius" in text) == ("no spectrum" not in name)
    assert all(status in text for status in set(maps[name]["status"]))
    assert len(text) < 300_000


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_the_suffix_decides_the_format(maps, tmp_path, suffix):
    head = stability_map(maps["two"], tmp_path / f"map.{suffix}").read_bytes()[:8]
    assert {"pdf": b"%PDF", "png": b"\x89PNG"}[suffix] in head


def test_the_same_map_gives_the_same_file_with_its_marks(maps, tmp_path):
    marks = {"theory": {"step_size": 0.7, "extrapolation_step": 0.7}}
    first, second = (stability_map(maps["two"], tmp_path / f"{k}.svg", marks).read_text() for k in range(2))
    assert first == second
    assert ">theory<" in first
    outside = {"theory": {"step_size": 7.0, "extrapolation_step": 0.7}}
    assert ">theory<" not in stability_map(maps["two"], tmp_path / "outside.svg", outside).read_text()
