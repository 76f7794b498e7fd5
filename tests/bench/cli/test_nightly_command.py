import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import saddlebench
from saddlebench.bench.cli import nights
from saddlebench.bench.suites.load import Block, Suite, find

SUITE = """
name = "small"
seeds = 12
[[cross]]
games = ["bilinear"]
optimizers = ["extragradient"]
steps = 150
"""


@pytest.fixture
def night(cli, tmp_path, monkeypatch):
    """Nights of a small suite, with one game of the golden suite, and no pages."""
    (tmp_path / "small.toml").write_text(SUITE)
    monkeypatch.setattr(nights, "_pages", lambda folder, commit, asv: None)
    real = find("golden")
    block = real.blocks[0]
    part = Block(["bilinear"], ["extragradient"], block.seeds, block.settings)
    small = Suite("golden", "", real.path, (part,), "float64")
    golden = nights.read_golden()
    golden = golden[golden["cell"].isin([cell.key for cell in small.cells()])]
    monkeypatch.setattr(nights, "find", lambda name: small if name == "golden" else find(name))
    monkeypatch.setattr(nights, "read_golden", lambda: golden)
    clock = iter(range(100))
    monkeypatch.setattr(nights, "datetime", type("Clock", (), {"now": lambda zone: nights_at(next(clock))}))
    return lambda *more: cli("nightly", "--dir", "nights", "--suite", "small.toml", *more)


def nights_at(minute):
    """Nights a minute apart: their directories are named by the second."""
    return datetime(2026, 1, 1, 2, minute, tzinfo=UTC)


def log():
    return json.loads(Path("nights/nights.json").read_text())


def test_nights_are_compared_with_the_last_good_one(night, monkeypatch):
    assert night().code == 0
    said = night()
    assert said.code == 0
    assert "13 cells in both, 0 moved" in said.err
    cls = saddlebench.OPTIMIZERS["extragradient"]
    whole = cls.step
    monkeypatch.setattr(cls, "step", lambda self, oracle, w, state: whole(self, oracle, tuple(1.02 * x for x in w), state))
    said = night()
    assert said.code == 1
    assert {"cost", "golden"} <= {row["finding"] for row in said.rows()}
    first, second, third = log()
    assert (first["baseline"], second["baseline"], third["baseline"]) == (None, first["name"], second["name"])
    assert [entry["good"] for entry in log()] == [True, True, False]
    assert "| cost | extragradient | bilinear |" in Path(f"nights/{third['name']}/findings.md").read_text()
    monkeypatch.setattr(cls, "step", whole)
    assert night().code == 0  # mended
    assert log()[-1]["baseline"] == second["name"]


def test_a_meant_change_is_accepted(night, cli, monkeypatch):
    assert cli("nightly", "--dir", "nights", "--accept").code == 2
    night()
    entries = log()
    entries[-1] |= {"good": False, "findings": 2}
    Path("nights/nights.json").write_text(json.dumps(entries))
    assert cli("nightly", "--dir", "nights", "--accept").code == 0
    assert log()[-1]["good"]


def test_a_damaged_log_is_bad_input(night, tmp_path):
    (tmp_path / "nights").mkdir()
    (tmp_path / "nights" / "nights.json").write_text("{")
    said = night()
    assert said.code == 2
    assert "damaged" in said.err
