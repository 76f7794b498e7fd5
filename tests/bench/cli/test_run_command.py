import json

import pandas as pd
import pytest

TINY = ("--game", "bilinear", "--optimizer", "extragradient", "--steps", "20")


def test_a_run_ends_with_its_summary_and_where_it_is(cli, tmp_path):
    said = cli("run", *TINY, "--sweep", "optimizer.step_size=0.05,0.1", "--seeds", "4", "--spectrum", "equilibrium")
    assert said.code == 0
    first, second = said.rows()
    assert (first["optimizer"], second["optimizer"]) == ("extragradient(step_size=0.05)", "extragradient")  # 0.1 is the default
    assert (first["n"], first["cost"]) == ("4", "40")
    assert first["radius"] == first["predicted"] == "0.9987523"
    assert f"written: {tmp_path}/results/bilinear--extragradient/{{machines.parquet," in said.err
    assert "8/8 cells" in said.err
    assert "saddlebench show bilinear--extragradient" in said.err
    runs = pd.read_parquet(tmp_path / "results/bilinear--extragradient/runs.parquet")
    assert sorted(runs["seed"]) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_second_run_has_nothing_to_do_and_says_the_same(cli):
    first = cli("run", *TINY)
    second = cli("run", *TINY)
    assert "nothing to do: 3 cells asked for" in second.err
    assert "written" not in second.err
    assert (second.code, second.out) == (0, first.out)


def test_force_runs_anew(cli, tmp_path):
    path = tmp_path / "results/bilinear--extragradient/runs.parquet"
    cli("run", *TINY)
    before = pd.read_parquet(path)["started_at"].min()
    said = cli("run", *TINY, "--force")
    after = pd.read_parquet(path)["started_at"]
    assert "3 cells in 1 group," in said.err
    assert len(after) == 3
    assert bool(after.min() > before)


def test_more_seeds_keep_those_that_are_there(cli):
    cli("run", *TINY, "--timing")
    said = cli("run", *TINY, "--timing", "--seeds", "2,3,4")
    assert "2 cells in 2 groups; 1 of 3 are there already" in said.err
    assert said.rows()[0]["n"] == "3"
    assert float(said.rows()[0]["seconds"]) > 0


def test_a_dry_run_lists_groups_and_writes_nothing(cli, tmp_path):
    said = cli("run", *TINY, "--game", "rock-paper-scissors", "--seeds", "5", "--dry-run")
    assert said.code == 0
    facts = {"optimizer": "extragradient", "settings": "1", "seeds": "5", "cells": "5", "groups": "1", "steps": "20"}
    assert said.rows() == [{"game": "bilinear", **facts}, {"game": "rock-paper-scissors", **facts}]
    assert "10 of 10 cells in 2 groups would be run" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_knows_what_is_there(cli):
    cli("run", *TINY)
    said = cli("run", *TINY, "--dry-run")
    assert (said.out, said.err.split(",")[0]) == ("", "0 of 3 cells in 0 groups would be run")


def test_what_does_not_apply_is_a_row_with_its_reason(cli):
    said = cli("run", *TINY, "--optimizer", "multiplicative-weights")
    assert said.code == 0
    assert said.rows()[1]["status"] == "not_applicable 3"
    assert "not applicable to bilinear: multiplicative-weights: multiplicative-weights " in said.err


def test_an_error_in_a_cell_is_a_row_and_exit_code_1(cli, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from saddlebench.optimizers.optimizer import Optimizer\n"
        "@dataclass(frozen=True)\n"
        "class Mine(Optimizer):\n"
        "    name = 'mine'\n"
        "    def step(self, oracle, w, state):\n"
        "        raise ArithmeticError('that went wrong')\n"
    )
    asked = ("run", "--game", "bilinear", "--optimizer", "./mine.py:Mine", "--steps", "5", "--out", "broken")
    said = cli(*asked)
    assert said.code == 1
    assert said.rows()[0]["status"] == "error 3"
    assert "error: mine on bilinear (3 cells): ArithmeticError: that went wrong (mine.py:7)" in said.err
    assert "nothing to do" in cli(*asked).err
    assert "3 cells in" in cli(*asked, "--retry").err


def test_parameters_come_as_json_and_as_paths(cli, tmp_path):
    said = cli(
        *("run", "--game", '{"bilinear": {"matrix": [[2.0, 1.0]]}}', "--optimizer", "alternating-gradient", "--steps", "9"),
        *("--set", "optimizer.rule.adam.betas=[0.5, 0.9]", "--set", "game.b=[1.0]", "--set", "settings.converged=1e-3"),
    )
    assert said.code == 0
    runs = pd.read_parquet(tmp_path / "results/bilinear--alternating-gradient/runs.parquet")
    assert json.loads(runs["game_parameters"][0])["matrix"] == [[2.0, 1.0]]
    assert json.loads(runs["game_parameters"][0])["b"] == [1.0]
    assert json.loads(runs["optimizer_parameters"][0])["rule"] == {"adam": {"betas": [0.5, 0.9], "epsilon": 1e-8}}
    assert json.loads(runs["budget"][0]) == {"converged": 0.001, "steps": 9}
    assert said.rows()[0]["optimizer"] == "alternating-gradient(rule=adam(betas=[0.5,0.9]))"
    assert said.rows()[0]["game"] == "bilinear(b=[1.0], matrix=[[2.0,1.0]])"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bilinaer"], "unknown suite 'bilinaer'"),
        (["./none.toml"], "none.toml does not exist"),
        (["--game", "bilinaer", "--optimizer", "adam"], "unknown game 'bilinaer': did you mean 'bilinear'"),
        (["--game", "bilinear", "--optimizer", "adm"], "unknown optimizer 'adm': did you mean 'adam'"),
        (
            [*TINY, "--set", "optimizer.step_siez=1"],
            "optimizer extragradient: 'step_siez': did you mean 'step_size'?",
        ),
        ([*TINY, "--set", "optimizer.step_size=big"], "optimizer extragradient: step_size = 'big': "),
        ([*TINY, "--set", "optimizer.step_size=-1"], "should be greater than 0"),
        ([*TINY, "--set", "optimizer.step_size=[1,2,3]"], "bilinear has 2 players"),
        ([*TINY, "--set", "optimiser.step_size=1"], "did you mean 'optimizer'?"),
        ([*TINY, "--set", "step_size=1"], "write --set optimizer.step_size=0.1"),
        ([*TINY, "--set", "optimizer.step_size=1", "--sweep", "optimizer.step_size=1,2"], "is given twice"),
        ([*TINY, "--set", "settings.stepz=1"], "unknown setting 'stepz': did you mean 'steps'?"),
        ([*TINY, "--set", "game.matrix=[[1,2],[3]]"], "matrix"),
        ([*TINY, "--set", "game.b=[1,2]"], "b has 2 numbers, but the matrix is 1 × 1"),
        ([*TINY, "--seeds", "0"], "at least one seed"),
        ([*TINY, "--seeds", "1,1"], "a seed is given twice"),
        ([*TINY, "--seeds", "many"], "--seeds = 'many' must be"),
        ([*TINY, "--spectrum", "finale"], "unknown point of a spectrum 'finale': did you mean 'final'?"),
        ([*TINY, "--checkpoints", "often"], "--checkpoints often"),
        ([*TINY, "--device", "cuda:77"], "device 'cuda:77' is not there"),
        ([*TINY, "--device", "toaster"], "device 'toaster' is not there"),
        ([*TINY, "--dtype", "float16"], "'float16' is not one of 'float32', 'float64'"),
        ([*TINY, "--steps", "-3"], "a budget must be positive"),
        ([*TINY, "--steps", "ten"], "invalid value for '--steps'"),
        ([*TINY, "--timeout", "0"], "--timeout 0: a positive number"),
        ([*TINY, "--stepz", "3"], "no such option: --stepz"),
        (["quick", "--game", "bilinaer"], "unknown game of the suite quick 'bilinaer': did you mean 'bilinear'?"),
        (["quick", "--game", "gaussian-ring", "--optimizer", "lola"], "quick does not cross gaussian-ring with lola"),
        (["--game", "bilinear"], "at least one --game and one --optimizer"),
        (["--game", "{bilinear: 1}", "--optimizer", "adam"], "this is no JSON"),
        (["--game", "bilinear", "--optimizer", "./mine.py:Mine"], "mine.py does not exist"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cli, tmp_path, arguments, message):
    said = cli("run", *arguments)
    assert said.code == 2
    assert message in said.err
    assert said.err.startswith("saddlebench: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_none_of_ours_is_refused(cli, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    (tmp_path / "file").write_text("text")
    for out, message in (("mine", "holds other files"), ("file", "is a file")):
        for more in ((), ("--dry-run",)):
            said = cli("run", *TINY, "--out", out, *more)
            assert (said.code, said.err.count("\n")) == (2, 1)
            assert message in said.err
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "letter.txt", "mine"]


def test_bad_input_found_while_running_leaves_no_directory(cli, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from saddlebench.errors import InputError\n"
        "from saddlebench.optimizers.optimizer import Optimizer\n"
        "@dataclass(frozen=True)\n"
        "class Mine(Optimizer):\n"
        "    name = 'mine'\n"
        "    def step(self, oracle, w, state):\n"
        "        raise InputError('the data set is missing')\n"
    )
    said = cli("run", "--game", "bilinear", "--optimizer", "./mine.py:Mine", "--steps", "5", "--out", "new/out")
    assert said.code == 2
    assert said.err.splitlines()[-1] == "saddlebench: the data set is missing"
    assert not (tmp_path / "new/out").exists()
