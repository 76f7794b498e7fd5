import csv
import io
import json
import tomllib

import pytest

from saddlebench.bench.suites import load as suites
from saddlebench.bench.suites.load import find
from saddlebench.results.papers import PAPERS

MARKS = [
    ("simultaneous", "β > 0", False, False),
    ("simultaneous", "β = 0", False, False),
    ("simultaneous", "β < 0", False, False),
    ("alternating", "β > 0", False, False),
    ("alternating", "β = 0", True, False),
    ("alternating", "β < 0", True, True),
]


def test_without_a_name_the_papers_are_listed(cli):
    said = cli("paper")
    assert [row["name"] for row in said.rows()] == list(PAPERS)
    assert "saddlebench paper NAME" in said.err


def test_an_unknown_paper_is_bad_input(cli, tmp_path):
    said = cli("paper", "lgan")
    assert (said.code, said.out, "did you mean 'logan'" in said.err) == (2, "", True)
    said = cli("paper", "logan", "nowhere")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def thin(monkeypatch, tmp_path):
    """The suite of negative momentum on one game with one seed and four step sizes: the same rows, in a second."""
    folder = tmp_path / "suites"
    folder.mkdir()
    text = find("negative-momentum-theory").path.read_text()
    games = text[text.index("games = [") : text.index("optimizers = [")]
    text = text.replace(games, "games = [{ bilinear = { matrix = [[1.0]] } }]\n").replace("seeds = 2", "seeds = 1")
    text = text.replace("[0.05, 0.1, 0.3, 0.5, 0.9, 1.0, 1.2, 1.7, 2.0, 2.5]", "[0.1, 0.5, 1.0, 2.0]")
    assert len(tomllib.loads(text)["cross"]) == 1
    (folder / "negative-momentum-theory.toml").write_text(text)
    monkeypatch.setattr(suites, "FOLDER", folder)


def test_one_command_reproduces_the_six_rows(cli, thin, tmp_path):
    said = cli("paper", "negative-momentum", "--format", "json")
    rows = json.loads(said.out)
    assert [(r["method"], r["momentum"], r["published_bounded"], r["published_converges"]) for r in rows] == MARKS
    assert [(r["method"], r["momentum"], r["bounded"], r["converges"]) for r in rows] == MARKS
    assert [r["agrees"] for r in rows] == [True] * 6
    assert [r["contradicted_pairs"] for r in rows] == [0] * 6
    assert [(r["pairs"], r["outside_pairs"]) for r in rows] == [(12, 0), (4, 0), (16, 0), (12, 0), (3, 1), (12, 8)]
    assert all(r["radius_best"] > 1 + 1e-6 for r in rows[:4])
    assert "into" in said.err
    again = cli("paper", "negative-momentum")  # nothing is run twice
    assert "cells of the suite" not in again.err
    assert again.out.splitlines()[1] == "simultaneous\tβ > 0\tno\tno\tno\tno\tyes"
    assert "β = (−½, −½): measured 1.000000 against 0.937500, it fails" in again.err
    assert "β = (−½, 0): measured 0.760690 against 0.937500, it holds" in again.err
    named = cli("paper", "negative-momentum", "negative-momentum-theory", "--format", "csv")
    assert [r["agrees"] for r in csv.DictReader(io.StringIO(named.out))] == ["True"] * 6
    assert cli("paper", "negative-momentum", "--format", "md").out.startswith("| method | momentum | published_bounded |")
    assert cli("paper", "negative-momentum", "--format", "latex").out.startswith("\\begin{tabular}{lllllll}")


def test_results_without_the_cells_are_said_to_be_not_run(cli):
    cli("run", "--game", "quadratic", "--optimizer", "heavy-ball", "--steps", "10", "--out", "there")
    said = cli("paper", "negative-momentum", "there")
    assert [line.split("\t")[3] for line in said.out.splitlines()[1:7]] == [""] * 6
    assert "saddlebench run negative-momentum-theory" in said.err


def test_numbers_stand_with_source_protocol_and_the_command_that_measures_them(cli):
    rows = list(csv.DictReader(io.StringIO(cli("paper", "gidel2019-vip", "--format", "csv").out)))
    assert len(rows) == 33
    assert all(row["source"] and row["verified"] for row in rows)
    assert {row["status"] for row in rows} == {"not run", "not verified"}
    for row in rows:
        assert bool(row["value"]) == (row["status"] == "not run") == (bool(row["command"]) or "lacks" in row["remark"])
        assert not row["command"] or row["command"].startswith('saddlebench run --game \'{"cifar10-dcgan"')
    table = cli("paper", "gidel2019-vip")
    assert table.rows()[0]["published"] == "6.05 ± 0.12"
    assert "not verified: 10 numbers left blank" in table.err


def test_what_is_not_run_is_named_with_its_command(cli):
    said = cli("paper", "imagenet128")
    assert "biggan" in said.err
    assert "saddlebench run imagenet-biggan" in said.err
    gains = cli("paper", "logan").err
    assert "+17.1 % IS, -31.7 % FID" in gains


def test_measured_cells_stand_beside_the_published_number(cli, tmp_path, make_runs):
    make_runs(tmp_path / "there", fid=[21.0, 22.0], n_fake=50000.0)
    rows = cli("paper", "cifar10-fid", "there").rows()
    beside = {row["column"]: row for row in rows if row["row"] == "WGAN-GP"}
    assert (beside["mimicry"]["measured"], beside["mimicry"]["status"]) == ("21.50 ± 0.71 (n = 2)", "measured")
    assert (beside["StudioGAN, old logs"]["measured"], beside["StudioGAN, old logs"]["status"]) == ("", "other protocol")
    assert "ref_split not recorded, not test" in beside["StudioGAN, old logs"]["remark"]


@pytest.fixture
def make_runs():
    """Runs of a game that is none of the catalogue's need, as another version may have left them."""
    from datetime import UTC, datetime

    from saddlebench.results.store import Store

    def written(folder, fid, n_fake):
        with Store(folder) as store:
            for seed, value in enumerate(fid):
                run = {
                    "cell": f"c{seed}",
                    "context": "k",
                    "game": "cifar10-resnet",
                    "optimizer": "adam",
                    "optimizer_parameters": {},
                }
                run |= {"game_parameters": {"loss": "wasserstein", "gradient_penalty": 10.0}, "seed": seed, "budget": {"steps": 5}}
                run |= {
                    "optimizer_parameters": {},
                    "protocol": 1,
                    "track": "defaults",
                    "status": "completed",
                    "steps": 5,
                    "gradients": 5.0,
                    "products": 0.0,
                }
                run |= {"program_seconds": 1.0, "runs_in_program": 1, "started_at": datetime(2026, 1, 1, tzinfo=UTC), "commit": "a"}
                run |= {"dtype": "float32", "device": "cpu", "machine": "m", "torch_version": "2", "threads": 1}
                run |= {"optimizer_parameters": {}, "final_measures": {"fid_n_real": 50000.0, "fid_n_fake": n_fake}}
                point = {"cell": f"c{seed}", "context": "k", "step": [5], "gradients": [5.0], "products": [0.0]}
                store.append(runs=[run], trace=point | {"answer": "last", "measure": "fid", "value": [value]})

    return written
