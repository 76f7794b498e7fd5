"""Tables of two runs of the same cells, compared in all that is not a clock."""

from pathlib import Path

import pandas as pd
import pytest

import saddlebench
from saddlebench.bench import context

CLOCKS = ["started_at", "seconds", "waited", "yardstick", "compile_seconds", "program_seconds", "peak_memory_bytes"]
_KEYS = ("cell", "step", "answer", "measure", "point", "operator", "transverse", "index")


def same_tables(one, other):
    """Are all rows of runs, trace and spectrum equal, bit for bit, and each there once?"""
    for table in ("runs", "trace", "spectrum"):
        frames = [getattr(tables, table).drop(columns=CLOCKS, errors="ignore") for tables in (one, other)]
        keys = [key for key in _KEYS if key in frames[0]]
        assert not frames[1].duplicated(keys).any(), f"rows of {table} stand there twice"
        pd.testing.assert_frame_equal(*(f.sort_values(keys).reset_index(drop=True) for f in frames), check_exact=True)


@pytest.fixture
def alike():
    return same_tables


@pytest.fixture(autouse=True)
def _pinned(monkeypatch):
    """An edit of the sources while a test runs would make another context."""
    monkeypatch.setattr(context, "_commit", lambda: ("pinned", None))


@pytest.fixture
def method(tmp_path):
    """`method(body)`: an optimizer of a file of its own, whose step does what the body says and is then a gradient step."""

    def write(body):
        path = Path(tmp_path) / "mine.py"
        lines = [
            *("import ctypes, os, signal, sys, time", "from dataclasses import dataclass"),
            "from saddlebench.optimizers.optimizer import Optimizer",
            *("@dataclass(frozen=True)", "class Mine(Optimizer):", "    name = 'mine'", "    step_size: float = 0.1"),
            *("    def step(self, oracle, w, state):", f"        {body}"),
            "        return tuple(x - self.step_size * v for x, v in zip(w, oracle.field(w))), state",
        ]
        path.write_text("\n".join(lines) + "\n")
        return f"{path}:Mine"

    return write


def run(**changes):
    """A run of a few small cells by two workers."""
    asked = {"games": ["bilinear"], "optimizers": ["extragradient"], "seeds": 3, "steps": 50, "device": "cpu", "workers": 2}
    return saddlebench.run(**{**asked, **changes})


@pytest.fixture
def swept():
    return run
