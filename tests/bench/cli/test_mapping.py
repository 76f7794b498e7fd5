import json

import pandas as pd
import pytest

SMALL = ("--x", "step_size=0.1:0.9:5", "--y", "extrapolation_step=0.1:0.9:3", "--steps", 60)


def test_the_best_point_stands_beside_the_refined_one_and_theory(cli):
    said = cli("map", "bilinear", "extragradient", "--x", "optimizer.step_size=0.1:1.4:14", "--steps", 60, "--refine")
    assert said.code == 0
    grid, better, theory = said.rows()
    assert (grid["point"], better["point"], theory["point"]) == ("best on the grid", "refined", "theory")
    assert grid["step_size"] == "0.7"
    assert float(better["radius"]) == pytest.approx(float(theory["radius"]), abs=1e-6)
    assert theory["radius"] == "0.8660254"
    assert "14 points, 60 steps" in said.err
    assert "theory: η = 1/√(σ_min² + σ_max²)" in said.err


def test_files_by_their_suffix_or_both_in_a_directory(cli, tmp_path):
    said = cli("map", "bilinear", "extragradient", *SMALL, "-o", "one.svg", "-o", "one.csv", "-o", "both")
    assert said.code == 0
    assert (tmp_path / "one.svg").read_bytes().startswith(b"<?xml")
    assert len(pd.read_csv(tmp_path / "one.csv")) == 15
    frame = pd.read_parquet(tmp_path / "both/map-bilinear-extragradient.parquet")
    assert frame.attrs["optimizer"] == "extragradient"
    assert (tmp_path / "both/map-bilinear-extragradient.svg").exists()


def test_the_whole_map_in_a_pipe(cli):
    rows = json.loads(
        cli("map", "bilinear", "adam", "--x", "step_size=0.001:1:4", "--log-x", "--steps", 20, "--format", "json").out
    )
    assert [row["step_size"] for row in rows] == pytest.approx([0.001, 0.01, 0.1, 1])
    assert {row["radius"] for row in rows} == {None}


def test_the_reason_for_no_radius_is_said_once(cli):
    said = cli("map", "bilinear", "adam", "--x", "step_size=0.001:1:4", "--steps", 20)
    assert said.err.count("divides by √s") == 1
    assert "no radius at any point" in said.err


def test_set_reaches_game_and_optimizer(cli):
    said = cli(
        "map", "bilinear", "lookahead-minmax", "--x", "base.step_size=0.1:0.4:4", "--steps", 20,
        "--set", "game.matrix=[[2.0]]", "--set", "optimizer.base=alternating-gradient", "--set", "optimizer.inner_steps=3",
    )  # fmt: skip
    assert said.code == 0
    assert "alternating-gradient" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--x", "step_sise=0.1:1:3"], "did you mean 'step_size'?"),
        (["--x", "step_size=0.1"], "write --x step_size=0.01:2:100"),
        (["--x", "step_size=1:0.1:3"], "must rise"),
        (["--x", "step_size=0:1:3", "--log-x"], "above 0"),
        (["--x", "step_size=0.1:1:100000000"], "at most 10000 values"),
        (["--x", "step_size=0.1:1:5000", "--y", "extrapolation_step=0.1:1:5000"], "a grid of 25000000 points"),
        (["--x", "step_size=-1:1:3"], "greater than 0"),
        (["--x", "step_size=0.1:1:3", "--y", "step_size=0.1:1:3"], "on both axes"),
        (["--x", "step_size=0.1:1:3", "--log-y"], "--log-y goes with --y"),
        (["--x", "step_size=0.1:1:3", "-o", "map.doc"], "the name must end in"),
        (["--x", "step_size=0.1:1:3", "--tolerance", "2"], "converged must be below 1"),
        (["--x", "step_size=0.1:1:3", "--set", "settings.steps=3"], "map has no settings"),
        ([], "missing option '--x'"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(cli, tmp_path, arguments, message):
    said = cli("map", "bilinear", "extragradient", *arguments)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert message in said.err
    assert not list(tmp_path.iterdir())
