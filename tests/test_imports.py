"""Commands that do not compute must answer at once: importing torch alone takes seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "torchvision", "torchmetrics"}
ROOT = Path(__file__).parents[1]

LIGHT = [
    "saddlebench",
    "saddlebench.catalogue",
    "saddlebench.errors",
    "saddlebench.parameters",
    *sorted(f"saddlebench.bench.{path.stem}" for path in (ROOT / "bench").glob("cli*")),
    *sorted(f"saddlebench.results.{path.stem}".removesuffix(".__init__") for path in (ROOT / "results").glob("*.py")),
]


def imported_by(statement):
    """The heavy packages that a fresh interpreter holds after a statement."""
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return HEAVY & set(json.loads(done.stdout.splitlines()[-1]))


def test_light_modules_import_no_torch():
    # One interpreter for all of them; when it fails, the one at fault is looked for.
    if imported_by(f"import {', '.join(LIGHT)}"):
        assert {name: sorted(heavy) for name in LIGHT if (heavy := imported_by(f"import {name}"))} == {}


def test_listing_the_catalogues_imports_no_torch():
    assert imported_by("import saddlebench; list(saddlebench.GAMES), list(saddlebench.OPTIMIZERS)") == set()


@pytest.mark.parametrize("name", ["GAMES", "OPTIMIZERS"])
def test_public_names_are_found_on_first_use(name):
    imported_by(f"import saddlebench; saddlebench.{name}")
