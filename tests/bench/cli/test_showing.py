import csv
import io
import json
import subprocess
import sys

import pytest

TINY = ("--game", "bilinear", "--optimizer", "extragradient", "--optimizer", "adam", "--steps", "20")


ASKED = ("run", *TINY, "--game", "rock-paper-scissors", "--optimizer", "multiplicative-weights", "--seeds", "2", "--out", "there")


@pytest.fixture
def there(cli):
    cli(*ASKED)
    return "there"


def test_show_says_what_run_said(cli, there):
    assert cli("show", there).out == cli(*ASKED).out


def test_show_has_formats(cli, there):
    rows = json.loads(cli("show", there, "--format", "json").out)
    assert [(r["game"], r["optimizer"], r["n"]) for r in rows[:2]] == [("bilinear", "extragradient", 2), ("bilinear", "adam", 2)]
    table = list(csv.DictReader(io.StringIO(cli("show", there, "--format", "csv").out)))
    assert [float(r["distance"]) for r in table[:2]] == [r["distance"] for r in rows[:2]]  # all digits
    assert "plays simplex strategies" in rows[2]["reason"] == table[2]["reason"]
    assert cli("show", there, "--format", "md").out.startswith("| game | optimizer | n | status |")
    latex = cli("show", there, "--format", "latex").out
    assert "not\\_applicable 2" in latex
    assert latex.startswith("\\begin{tabular}{llrlr")


def test_show_filters(cli, there):
    said = cli("show", there, "--game", "bilinear", "--optimizer", "adam")
    assert [(row["game"], row["optimizer"]) for row in said.rows()] == [("bilinear", "adam")]
    said = cli("show", there, "--optimizer", "adm")
    assert (said.code, "did you mean 'adam'" in said.err) == (2, True)


def test_show_without_a_path_lists_the_directories(cli):
    assert "saddlebench run quick" in cli("show").err
    cli("run", *TINY)
    assert [(r["name"], r["cells"]) for r in cli("show").rows()] == [("bilinear--extragradient+1", "6")]
    assert cli("show", "bilinear--extragradient+1").code == 0


@pytest.mark.parametrize("path", ["nothing", "."])
def test_show_of_no_results_is_one_line(cli, tmp_path, path):
    (tmp_path / "letter.txt").write_text("dear")
    said = cli("show", path)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)


def test_a_reader_that_goes_away_is_no_error(there, tmp_path):
    command = f"{sys.executable} -m saddlebench show there --format json | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[\n0\n", "")
