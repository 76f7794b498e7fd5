import json

import pytest


def test_spectrum_stands_beside_its_prediction(cli):
    said = cli("spectrum", "--game", "bilinear", "--optimizer", "extragradient", "--sweep", "optimizer.step_size=0.1,0.5")
    assert [row["radius"] for row in said.rows()] == [row["predicted"] for row in said.rows()] == ["0.9950377", "0.9013878"]
    said = cli("spectrum", "--game", "quadratic", "--optimizer", "simultaneous-gradient", "--eigenvalues", "--format", "json")
    first, second = json.loads(said.out)
    assert (first["re"], abs(first["im"])) == pytest.approx((0.9, 0.1))
    assert first["modulus"] == second["modulus"] == pytest.approx((0.9**2 + 0.1**2) ** 0.5)


def test_spectrum_at_a_checkpoint(cli):
    said = cli("spectrum", "--game", "bilinear", "--optimizer", "adam", "--at", "checkpoint", "--steps", "7", "--format", "json")
    (row,) = json.loads(said.out)
    assert row["radius"] > 0
    assert row["predicted"] is None


def test_no_spectrum_says_why(cli):
    alone = cli("spectrum", "--game", "gaussian-ring", "--optimizer", "extragradient")
    assert (alone.code, alone.out, alone.err) == (
        2,
        "",
        "saddlebench: no equilibrium of gaussian-ring is known: use --at checkpoint\n",
    )
    both = cli("spectrum", "--game", "bilinear", "--optimizer", "extragradient", "--optimizer", "adam", "--format", "json")
    assert [bool(row["reason"]) for row in json.loads(both.out)] == [False, True]


def test_three_numbers_stand_side_by_side(cli):
    arguments = ("spectrum", "--game", "bilinear", "--optimizer", "alternating-gradient", "--format", "json")
    (row,) = json.loads(cli(*arguments).out)
    assert row["agreement"] == "ok"
    assert row["radius"] == pytest.approx(row["predicted"]) == pytest.approx(row["rate"], abs=row["tolerance"]) == pytest.approx(1)
    (row,) = json.loads(cli(*arguments, "--no-rate").out)
    assert (row["rate"], row["tolerance"], row["agreement"]) == (None, None, "ok")


def test_a_lying_derivative_is_told(cli, tmp_path):
    (tmp_path / "liar.py").write_text(
        "from dataclasses import dataclass\n"
        "from saddlebench.optimizers.optimizer import Optimizer\n"
        "@dataclass(frozen=True)\n"
        "class Liar(Optimizer):\n"
        "    name = 'liar'\n"
        "    step_size: float = 0.1\n"
        "    def step(self, oracle, w, state):\n"
        "        return tuple(x - self.step_size * g.detach() for x, g in zip(w, oracle.field(w))), state\n"
    )
    said = cli("spectrum", "--game", "quadratic", "--optimizer", "liar.py", "--optimizer", "simultaneous-gradient")
    assert [row["agreement"] for row in said.rows()] == ["rate ≠ radius", "ok"]
    assert said.err == "1 pair of numbers that should be one differ: see agreement (radius ≠ predicted, rate ≠ radius)\n"


def test_spectrum_of_the_game(cli):
    said = cli("spectrum", "--of", "game", "--game", "forsaken", "--game", "four-player", "--game", "gaussian-ring")
    rows = said.rows()
    assert [row["kind"] for row in rows] == ["stable focus"] * 2 + [""] * 5
    assert [row["re"] for row in rows[2:6]] == ["0.0100000"] * 4
    assert rows[2]["mass"] == "[0.25, 0.25, 0.25, 0.25]"
    assert "no equilibrium" in rows[6]["reason"]
    arguments = ("--at", "checkpoint", "--steps", "3", "--optimizer", "adam", "--format", "json")
    found = json.loads(cli("spectrum", "--of", "game", "--game", "forsaken", *arguments).out)
    assert sum(row["gradient_share"] for row in found) == pytest.approx(1)


def test_what_is_missing_is_said(cli):
    for more, words in (([], "whose step?"), (["--of", "game", "--at", "checkpoint"], "who plays to the checkpoint?")):
        said = cli("spectrum", "--game", "bilinear", *more)
        assert (said.code, said.out) == (2, "")
        assert f"--optimizer is missing: {words}" in said.err
