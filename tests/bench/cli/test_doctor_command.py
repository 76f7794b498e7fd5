import json

import pytest

from saddlebench.bench import doctor
from saddlebench.errors import InputError
from saddlebench.results.store import Store


@pytest.fixture
def quick(monkeypatch):
    """Without what takes seconds: a worker's start, the checksums of data sets, the loading of weights."""
    for name in ("_workers", "_data", "_weights"):
        monkeypatch.setattr(doctor, name, lambda: iter(()))


def test_a_line_a_check_and_what_is_missing_is_no_failure(cli, quick, tmp_path):
    said = cli("doctor", "--format", "json")
    found = {row["check"]: row for row in json.loads(said.out)}
    assert {"python", "packages", "numbers", "store"} <= found.keys()
    assert {row["state"] for row in found.values()} <= {"ok", "missing"}
    assert all(row["advice"] for row in found.values() if row["state"] == "missing")
    assert str(tmp_path / "results") in found["store"]["found"]
    assert said.code == 0
    assert not (tmp_path / "results").exists()


def test_a_wrong_number_is_a_failure(cli, quick, monkeypatch):
    monkeypatch.setattr(doctor, "spectral_radius", lambda *_: 0.99)
    said = cli("doctor")
    (row,) = (r for r in said.rows() if r["state"] == "failed")
    assert row["check"] == "numbers"
    assert "extragradient's radius is 0.99" in row["found"]
    assert said.code == 1
    assert "1 of" in said.err


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on(cli, quick, monkeypatch):
    def broken():
        raise OSError("no such thing")

    monkeypatch.setattr(doctor, "_gpu", broken)
    said = cli("doctor")
    assert [(r["check"], r["found"]) for r in said.rows() if r["state"] == "failed"] == [("gpu", "OSError: no such thing")]
    assert said.rows()[-1]["check"] == "store"
    assert said.code == 1


def test_a_place_that_cannot_be_written_is_a_failure(cli, quick, monkeypatch):
    def refuse(path):
        raise InputError("cannot write results there (Read-only file system): nothing was written")

    monkeypatch.setattr(doctor, "Store", refuse)
    (row,) = (r for r in cli("doctor").rows() if r["state"] == "failed")
    assert row["check"] == "store"
    assert "SADDLEBENCH_RESULTS" in row["advice"]


def test_torn_results_are_told(cli, quick, tmp_path):
    cli("run", "--game", "bilinear", "--optimizer", "extragradient", "--steps", "5", "--out", "there")
    said = cli("doctor", "there")
    assert said.code == 0
    assert f"3 runs in {tmp_path}/there: budget 3" in said.out
    (tmp_path / "there" / "runs.parquet").write_bytes(b"torn")
    said = cli("doctor", "there")
    assert said.code == 1
    assert "runs.parquet is skipped: it is torn" in said.out


def test_journals_of_the_living_and_the_dead_are_counted(tmp_path):
    with Store(tmp_path) as store:
        store.append(machines=[])
        found = {f.check: f.found for f in doctor._results(tmp_path)}
    assert found["journals"] == "1 not merged, 1 of them of writers that are alive"


@pytest.mark.slow
def test_this_installation_is_in_order(cli):
    said = cli("doctor")
    assert said.code == 0, said.out
