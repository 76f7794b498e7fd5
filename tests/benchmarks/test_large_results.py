"""A hundred thousand runs and ten million rows of trace: read, summed up, tabulated and drawn, each in a process of its own.

Run with ``pytest -m slow -s``; it prints the seconds and the peak memory of each. Less than 4 GiB is demanded; the time depends
on the machine and is printed.
"""

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from saddlebench.results.identity import digest
from saddlebench.results.store import Store

GAMES, OPTIMIZERS, SEEDS, CHECKPOINTS = 20, 50, 100, 50
GIBIBYTES = 4

MEASURED = """
import resource, sys, time
begun = time.perf_counter()
{work}
used = resource.getrusage(resource.RUSAGE_SELF)
busy, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
print(f"{{time.perf_counter() - begun:.1f}} s, {{busy:.1f}} s of processor, {{peak:.2f}} GiB", file=sys.stderr)
"""
COMMAND = "from saddlebench.bench.cli.app import app; app({arguments!r}, standalone_mode=False)"
WHOLE = """
from pathlib import Path
from saddlebench.results.figures.convergence import convergence
from saddlebench.results.store import read
from saddlebench.results.summary import newest, summarise
tables = read({folder!r}, ("runs", "trace"))
assert (len(tables.runs), len(tables.trace)) == (100_000, 10_000_000)
assert len(summarise(newest(tables.runs))) == 1000
convergence(tables, Path({folder!r}) / "whole.svg", "game-3")
"""
TASKS = {
    "show": ["show"],
    "table": ["table"],
    "success": ["table", "--statistic", "success"],
    "ecdf": ["plot", "ecdf"],
    "convergence": ["plot", "convergence", "--game", "game-3"],
}


def rows_of(game, optimizer, seeds, checkpoints):
    """Runs and trace of one game and optimizer, whose distance shrinks by a factor of its own."""
    rng = np.random.default_rng([int(game.split("-")[1]), int(optimizer.split("-")[1])])
    cells = [digest([game, optimizer, seed]) for seed in range(seeds)]
    steps = np.linspace(0, 1000, checkpoints).astype(int)
    rate = 0.97 + 0.0008 * int(optimizer.split("-")[1])
    distance = np.exp(0.3 * rng.standard_normal((seeds, 1))) * rate ** steps[None, :]
    shared = {"context": "0123456789abcdef", "gradients": 2000.0, "products": 0.0}
    runs = {
        **shared,
        "cell": cells,
        "game": game,
        "game_parameters": {"size": 2},
        "optimizer": optimizer,
        "optimizer_parameters": {"step_size": 0.1},
        "seed": list(range(seeds)),
        "budget": {"steps": 1000},
        "protocol": 1,
        "track": "defaults",
        "status": np.where(distance[:, -1] <= 1e-6 * distance[:, 0], "converged", "budget").tolist(),
        "steps": 1000,
        "program_seconds": 1.0,
        "runs_in_program": seeds,
        "start_distance": distance[:, 0],
        "final_distance": distance[:, -1],
        "started_at": datetime(2026, 3, 1, tzinfo=UTC),
        "commit": "0123abc",
        "dtype": "float64",
        "device": "cpu",
        "machine": "m0",
        "torch_version": "2.14.1",
        "threads": 1,
    }
    trace = {
        **shared,
        "cell": np.repeat(np.array(cells, dtype=object), 2 * checkpoints),
        "step": np.tile(np.repeat(steps, 2), seeds),
        "gradients": np.tile(np.repeat(2.0 * steps, 2), seeds),
        "answer": "last",
        "measure": np.tile(np.array(["distance", "gap"], dtype=object), seeds * checkpoints),
        "value": np.stack([distance, distance**2], -1).ravel(),
    }
    return runs, trace


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "results"
    with Store(path) as store:
        for game in range(GAMES):
            for optimizer in range(OPTIMIZERS):
                runs, trace = rows_of(f"game-{game}", f"optimizer-{optimizer}", SEEDS, CHECKPOINTS)
                store.append(runs=runs, trace=trace)
        store.compact()
    return path


@pytest.mark.slow
@pytest.mark.parametrize("task", [*TASKS, "whole"])
def test_large_results_fit_into_memory(folder, task, tmp_path):
    if task == "whole":
        work = WHOLE.format(folder=str(folder))
    else:
        command, *more = TASKS[task]
        kind = [more.pop(0)] if command == "plot" else []
        out = ["--out", str(tmp_path / "figure.svg")] if kind else []
        work = COMMAND.format(arguments=[command, *kind, str(folder), *more, *out])
    program = MEASURED.format(work=work)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stderr.strip().splitlines()[-1]
    print(f"\n{task}: {told}")
    assert float(told.split(", ")[-1].removesuffix(" GiB")) < GIBIBYTES
