"""What the harness costs a cell: wall time minus stepping, with the durable store and its defaults.

Run with ``make bench``. Sixty cells of 20 or 100 steps each on bilinear games with matrices of their own, which therefore cannot
step together; after start-up (a first call imports, asks git and opens a store). One thread.
"""

import itertools

import pytest
import torch

import saddlebench

CELLS = 60


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("steps", [20, 100])
def test_overhead_of_sixty_tiny_cells(benchmark, tmp_path, steps):
    games = [{"bilinear": {"matrix": [[1.0 + 0.01 * k]]}} for k in range(CELLS)]
    folder = (tmp_path / str(k) for k in itertools.count())
    results = []

    def suite():
        result = saddlebench.run(games=games, optimizers="extragradient", seeds=1, steps=steps, out=next(folder))
        results.append(result.runs)

    suite()
    results.clear()
    benchmark.pedantic(suite, rounds=9, iterations=1)
    stepping = [float(runs["seconds"].sum()) for runs in results]
    overheads = [1e3 * (wall - s) / CELLS for wall, s in zip(benchmark.stats.stats.data, stepping, strict=True)]
    stepping.sort()
    assert all(len(runs) == CELLS and set(runs["runs_in_program"]) == {1} for runs in results)
    overheads.sort()
    benchmark.extra_info["stepping_ms_per_cell_median"] = 1e3 * stepping[len(stepping) // 2] / CELLS
    benchmark.extra_info["overhead_ms_per_cell"] = {
        "min": overheads[0],
        "median": overheads[len(overheads) // 2],
        "max": overheads[-1],
    }
    print(f"\noverhead {overheads[0]:.2f} / {overheads[len(overheads) // 2]:.2f} / {overheads[-1]:.2f} ms a cell (min/median/max)")
