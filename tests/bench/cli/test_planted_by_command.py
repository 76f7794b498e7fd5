"""Faults planted in one method, found by the commands that a user types: run, run again, compare."""

import dataclasses

import pytest
import torch

import saddlebench
from saddlebench.results.regression import golden

BROKEN, WHOLE = "extragradient", "optimistic-gradient"
RUN = ("run", "--game", '{"bilinear": {"matrix": [[3.0]]}}', "--optimizer", WHOLE, "--optimizer", BROKEN, "--steps", 400)
GOLDEN_CELL = ("run", "--game", "bilinear", "--optimizer", BROKEN, "--seeds", 1, "--steps", 16, "--checkpoints", "1,2,4,8,16")


def smaller_step(step):
    return lambda self, *rest: step(dataclasses.replace(self, step_size=0.8 * self.step_size), *rest)


def wrong_sign(step):
    return lambda self, *rest: step(dataclasses.replace(self, extrapolation_step=-self.step_size), *rest)


def no_number(step):
    def broken(self, oracle, w, state):
        w, state = step(self, oracle, w, state)
        return (w[0] / torch.where(w[0].abs() > 1e-2, 1.0, 0.0), *w[1:]), state

    return broken


def error(step):
    def broken(self, oracle, w, state):
        raise ValueError("broken on purpose")

    return broken


@pytest.mark.parametrize(
    ("fault", "findings"),
    [(smaller_step, {"cost", "success"}), (wrong_sign, {"cost", "success"}), (no_number, {"nan"}), (error, {"error"})],
)
def test_a_fault_is_found_in_its_method_alone(cli, monkeypatch, fault, findings):
    assert cli(*RUN, "--seeds", 16, "--out", "before").code == 0
    cls = saddlebench.OPTIMIZERS[BROKEN]
    monkeypatch.setattr(cls, "step", fault(cls.step))
    cli(*RUN, "--seeds", 16, "--out", "after")
    said = cli("compare", "before", "after")
    assert said.code == 1
    assert findings <= {row["finding"] for row in said.rows()}
    assert {row["optimizer"] for row in said.rows()} == {BROKEN}


def test_a_missing_cell_is_found(cli):
    cli(*RUN, "--seeds", 16, "--out", "before")
    cli(*RUN, "--seeds", 15, "--out", "after")
    said = cli("compare", "before", "after")
    assert said.code == 1
    assert [(row["finding"], row["optimizer"], row["cells"]) for row in said.rows()] == [
        ("missing", BROKEN, "1"),
        ("missing", WHOLE, "1"),
    ]


def test_a_changed_golden_value_is_found(cli, monkeypatch, tmp_path):
    assert cli(*GOLDEN_CELL, "--spectrum", "equilibrium", "--out", "now").code == 0
    assert cli("compare", "now", "now").code == 0
    table = golden.read_golden()
    mine = (table["game"] == "bilinear") & (table["optimizer"] == BROKEN) & (table["quantity"] == "distance") & (table["step"] == 4)
    table.loc[mine, "value"] *= 1 + 1e-6
    golden.write_golden(table, tmp_path / "golden.parquet")
    monkeypatch.setattr(golden, "FILE", tmp_path / "golden.parquet")
    monkeypatch.setattr(golden.read_golden, "__defaults__", (tmp_path / "golden.parquet",))
    said = cli("compare", "now", "now")
    (row,) = said.rows()
    assert (said.code, row["finding"], row["optimizer"], row["games"]) == (1, "golden", BROKEN, "bilinear")
    assert row["detail"].startswith("distance at step 4: ")
