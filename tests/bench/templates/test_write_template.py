import subprocess
import sys
from pathlib import Path

import pytest

from saddlebench.bench.build import build, load_file
from saddlebench.bench.contracts import check_game, check_optimizer
from saddlebench.bench.spectrum import at_equilibrium
from saddlebench.bench.templates import write_template
from saddlebench.errors import InputError

ROOT = Path(__file__).parents[3]
CHECKS = {"optimizer": check_optimizer, "game": check_game}
KINDS = pytest.mark.parametrize("kind", CHECKS)


@KINDS
def test_the_template_passes_its_own_check(kind, tmp_path):
    path = write_template(kind, f"my-{kind}-2", tmp_path)
    findings = CHECKS[kind](load_file(kind, f"{path}:My{kind.capitalize()}2"))
    assert [f for f in findings if f.status == "failed"] == []
    assert sum(f.status == "ok" for f in findings) >= 15


@KINDS
def test_file_class_and_catalogue_name_follow_the_name(kind, tmp_path):
    path = write_template(kind, "steep-hill", tmp_path)
    instance = build(kind, f"{path}:SteepHill")
    assert path == tmp_path / "steep_hill.py"
    assert (type(instance).__name__, type(instance).name) == ("SteepHill", "steep-hill")
    assert "./steep_hill.py:SteepHill" in path.read_text()
    assert "CLASS" not in path.read_text()


@KINDS
def test_the_template_is_clean(kind, tmp_path):
    path = write_template(kind, "steep-hill", tmp_path)
    for command in (["check"], ["format", "--check"]):
        run = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), str(path)]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_method_is_what_its_docstring_says(tmp_path):
    path = write_template("optimizer", "mine", tmp_path)
    game = build("game", "bilinear")
    mine = build("optimizer", {str(path): {"step_size": 0.3, "smoothing": 0.0}})
    optimistic = build("optimizer", {"optimistic-gradient": {"step_size": 0.3}})
    assert at_equilibrium(game, mine).radius == pytest.approx(at_equilibrium(game, optimistic).radius, rel=1e-12)


def test_the_two_templates_play_together(tmp_path):
    optimizer = build("optimizer", str(write_template("optimizer", "my-method", tmp_path)))
    game = build("game", str(write_template("game", "my-game", tmp_path)))
    assert at_equilibrium(game, optimizer).radius < 1


@KINDS
def test_nothing_is_overwritten(kind, tmp_path):
    path = write_template(kind, "mine", tmp_path)
    path.write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        write_template(kind, "mine", tmp_path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["", "My-Method", "my_method", "2fast", "a--b", "-a", "a-", "../up", "a/b", "lambda", "é"])
def test_other_names_are_refused(name, tmp_path):
    with pytest.raises(InputError, match="kebab-case"):
        write_template("optimizer", name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_kind_and_a_missing_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="not of 'rule'"):
        write_template("rule", "mine", tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        write_template("game", "mine", tmp_path / "nowhere")
