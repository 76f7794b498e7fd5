"""Valid rows to start from, as a fixture; child processes import this file by its path."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

STARTED = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def run_row(cell: str = "c0", context: str = "k0", **changes: Any) -> dict[str, Any]:
    row = {
        "cell": cell,
        "context": context,
        "game": "bilinear",
        "game_parameters": {"size": 2},
        "optimizer": "extragradient",
        "optimizer_parameters": {"step_size": 0.1},
        "seed": 0,
        "budget": {"steps": 100},
        "protocol": 1,
        "track": "defaults",
        "status": "converged",
        "steps": 100,
        "gradients": 200.0,
        "products": 3.0,
        "program_seconds": 0.25,
        "runs_in_program": 1,
        "started_at": STARTED,
        "commit": "0123abc",
        "dtype": "float64",
        "device": "cpu",
        "machine": "m0",
        "torch_version": "2.14.1",
        "threads": 1,
    }
    return {**row, **changes}


def trace_rows(cell: str = "c0", context: str = "k0", length: int = 5, **changes: Any) -> dict[str, Any]:
    table = {
        "cell": cell,
        "context": context,
        "step": list(range(length)),
        "gradients": [2.0 * step for step in range(length)],
        "products": [0.0] * length,
        "seconds": [0.01 * step for step in range(length)],
        "answer": "last",
        "measure": "distance",
        "value": [0.5**step for step in range(length)],
    }
    return {**table, **changes}


def spectrum_rows(cell: str = "c0", context: str = "k0", **changes: Any) -> dict[str, Any]:
    table = {
        "cell": cell,
        "context": context,
        "point": "equilibrium",
        "operator": "step",
        "index": [0, 1],
        "re": [0.9, 0.9],
        "im": [0.1, -0.1],
        "modulus": [0.9055, 0.9055],
        "mass": [[0.5, 0.5], [0.25, 0.75]],
        "method": "dense",
        "transverse": True,
    }
    return {**table, **changes}


def machine_row(machine: str = "m0", **changes: Any) -> dict[str, Any]:
    row = {
        "machine": machine,
        "host": "here",
        "platform": "Linux-x86_64",
        "cpu": "some cpu",
        "cores": 2,
        "memory_bytes": 8_000_000_000,
        "python": "3.11.9",
        "torch_version": "2.14.1",
    }
    return {**row, **changes}


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of valid rows: `make.run(cell, context, …)`, `make.trace`, `make.spectrum`, `make.machine`."""
    return SimpleNamespace(run=run_row, trace=trace_rows, spectrum=spectrum_rows, machine=machine_row)
