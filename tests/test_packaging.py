"""What `pip install` gives a user: an editable install hides a forgotten folder or data file, the wheel does not."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("bench", "games", "optimizers", "results")
# asv reads its own folder from the checkout; runs/ is what a user's own runs leave.
NOT_PACKAGED = ("bench/asv", "results/runs")


def declared():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def sources():
    """The files that belong to the four packages, relative to the checkout."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            relative = path.relative_to(ROOT)
            cache = "__pycache__" in relative.parts or path.name.startswith(".")
            if path.is_file() and not cache and not any(relative.is_relative_to(skip) for skip in NOT_PACKAGED):
                yield relative


def installed_name(relative):
    """Where a file of the checkout lies in the wheel."""
    if relative.is_relative_to("bench/top"):
        relative = relative.relative_to("bench/top")
    return f"saddlebench/{relative.as_posix()}"


def test_every_folder_with_modules_is_a_declared_package():
    folders = {Path(installed_name(path)).parent for path in sources() if path.suffix == ".py"}
    assert {".".join(folder.parts) for folder in folders} == set(declared()["packages"])


def test_every_top_level_module_is_linked_for_type_checkers():
    tree = ROOT / "typings" / "saddlebench"
    top = ROOT / "bench" / "top"
    links = {path.name: path.resolve() for path in tree.iterdir()}
    wanted = {path.name: path for path in top.iterdir() if path.suffix in {".py", ".typed"}}
    wanted |= {folder: ROOT / folder for folder in FOLDERS}
    assert links == wanted, "run `make typings` and commit the links"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, unpacked. Built from a copy, so that a stale build/ of the checkout cannot lend it files."""
    tmp = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp / folder, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp / "dist"), str(tmp)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (tmp / "dist").iterdir()
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp / "unpacked")
    return tmp / "unpacked"


def test_wheel_holds_every_file_and_no_other(wheel):
    wanted = {installed_name(path) for path in sources()}
    held = {path.relative_to(wheel).as_posix() for path in (wheel / "saddlebench").rglob("*") if path.is_file()}
    assert held == wanted


# Runs with -I -S: the checkout is not on the path, and site-packages is added without its .pth files, so that the
# editable install's finder cannot answer in the wheel's place.
IMPORT_ALL = """
import importlib, importlib.metadata, json, sys
wheel, *site, names = sys.argv[1:]
sys.path[:0] = [wheel]
sys.path += site
files = {name: importlib.import_module(name).__file__ for name in json.loads(names)}
(script,) = importlib.metadata.distribution("saddlebench").entry_points.select(group="console_scripts")
assert callable(script.load())
print(json.dumps(files))
"""


def test_every_module_of_the_wheel_imports_from_elsewhere(wheel, tmp_path):
    paths = {path.relative_to(wheel).with_suffix("") for path in (wheel / "saddlebench").rglob("*.py")}
    names = sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)
    site = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    command = [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(wheel), *site, json.dumps(names)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout.splitlines()[-1])
    assert len(files) >= len(declared()["packages"])
    assert [name for name, file in files.items() if not Path(file).is_relative_to(wheel)] == []
