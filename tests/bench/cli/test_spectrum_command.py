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
