"""The Python interface: `run` and `spectral_radius`."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.bench.artefacts import save_samples
from saddlebench.bench.build import build, build_all
from saddlebench.bench.cells import Cell, cross
from saddlebench.bench.checkpoints import Checkpoints
from saddlebench.bench.context import resolve_device
from saddlebench.bench.runner import Place, Progress, Runner
from saddlebench.bench.settings import Settings
from saddlebench.bench.spectrum import at_equilibrium
from saddlebench.bench.suites.values import seeds_of
from saddlebench.bench.workers.crew import EXECUTORS, Crew, carry_out, finished_in, shared_work
from saddlebench.bench.workers.work import Work
from saddlebench.errors import InputError
from saddlebench.results.store import Store, Tables, read


@dataclass(frozen=True)
class Result:
    """The tables of what was asked for.

    Attributes:
        runs: a row a run: identity, status, totals, final and best measures, spectral radii.
        trace: a row a checkpoint, answer and measure.
        spectrum: a row an eigenvalue, where spectra were asked for.
        machines: a row a machine.
    """

    runs: pd.DataFrame
    trace: pd.DataFrame
    spectrum: pd.DataFrame
    machines: pd.DataFrame

    def _repr_html_(self) -> str:
        return self.runs.to_html(max_rows=20)


def run(
    games: Any,
    optimizers: Any,
    seeds: int | Iterable[int] = 3,
    steps: int | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    device: str = "auto",
    dtype: str | None = None,
    timeout: float | None = None,
    force: bool = False,
    retry: bool = False,
    workers: int | None = None,
    executor: str | None = None,
    address: str | None = None,
    gpus: float | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    **settings: Any,
) -> Result:
    """Cross games with optimizers and seeds, run every cell, and return the tables.

    Args:
        games: a name, a name with parameters ``{"bilinear": {"matrix": [[1.0]]}}``, a file ``"./g.py:G"``, an instance, or a list
            of those. ``{"sweep": […]}`` in place of a value stands for one game a value.
        optimizers: likewise: ``{"extragradient": {"step_size": {"sweep": [0.05, 0.1]}}}``.
        seeds: how many (0, 1, …), or the seeds themselves.
        steps: the budget in steps; None: each game's default. ``cost=`` and ``seconds=`` are budgets too.
        out: a directory of results to write to and resume from; None: results are kept in memory alone.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        dtype: ``"float64"`` or ``"float32"``; None: each game's own.
        timeout: wall seconds a group of runs may take.
        force: run cells anew that the directory already holds.
        retry: run cells anew that ended in an error or a timeout.
        workers: run groups of cells in so many processes; None: in this one. A script that is not imported guards what it does by
            ``if __name__ == "__main__":``, as with all of multiprocessing.
        executor: ``"processes"`` or ``"ray"``; None: processes, if workers are asked for.
        address: of a Ray cluster; None: this machine's, or a new one of it alone.
        gpus: that a group of cells takes of a Ray cluster: 0.5 lets two share one.
        threads: of torch, in each worker.
        progress: told what happens.
        settings: further fields of `saddlebench.bench.settings.Settings`: ``checkpoints``, ``spectrum=["equilibrium"]``, …

    Raises:
        InputError: bad input; nothing was written.
    """
    cells = cross(
        build_all("game", games),
        build_all("optimizer", optimizers),
        _seeds(seeds),
        Settings.of(steps=steps, **settings),
    )
    place = place_of(device, dtype, timeout)
    crew = None
    if workers is not None or executor is not None:
        crew = Crew(workers, executor or EXECUTORS[0], address, gpus, threads)
        place = replace(place, threads=threads)
    if out is None:
        sink = Memory()
        runner = Runner(sink, place, progress)
        carry_out(Work(runner.todo(cells, ())), runner, crew)
        return _only(sink.tables(), cells)
    with Store(out) as store:
        run_into(store, cells, place, progress, force, retry, crew)
    return _only(read(out), cells)


def _seeds(seeds: Any) -> list[int]:
    given = seeds.tolist() if hasattr(seeds, "tolist") else seeds  # numpy and torch
    if isinstance(given, Iterable) and not isinstance(given, str):
        given = np.asarray(list(given)).tolist()
    return seeds_of(given, "seeds")


def run_into(
    store: Store,
    cells: Sequence[Cell],
    place: Place,
    progress: Progress | None = None,
    force: bool = False,
    retry: bool = False,
    crew: Crew | None = None,
) -> list[Path]:
    """Run the cells that the store does not hold yet (all of them with ``force``) and compact it; return the pictures written."""
    pictures: list[Path] = []
    checkpoints = Checkpoints(store.path, resume=not force)
    runner = Runner(store, place, progress, save_samples(store.path, pictures), checkpoints)
    anywhere = crew is not None and crew.anywhere
    work = shared_work(cells, runner, store, partial(finished_in, store, cells, runner, force, retry, anywhere))
    pictures += carry_out(work, runner, crew, store)
    store.compact()
    return pictures


def place_of(device: str = "auto", dtype: str | None = None, timeout: float | None = None) -> Place:
    """Where cells are run.

    Raises:
        InputError: no such device or dtype.
    """
    if dtype not in (None, "float64", "float32"):
        raise InputError(f"dtype {dtype!r} is not float64 or float32")
    return Place(resolve_device(device), dtype, timeout)


def spectral_radius(game: Any, optimizer: Any, seed: int = 0) -> float:
    """The spectral radius of the step actually taken, at the game's equilibrium, its null directions left out.

    Args:
        game: a name, a name with parameters, a file or an instance, as for `run`.
        optimizer: likewise.
        seed: of a game that is itself drawn by seed.

    Raises:
        InputError: bad input, several games or optimizers.
        NoSpectrumError: there is none, and why.
    """
    return at_equilibrium(build("game", game), build("optimizer", optimizer), seed).radius_transverse


class Memory:
    """Rows kept in memory, with the store's schema; as there, a key's newest group of rows supersedes those before it."""

    def __init__(self) -> None:
        self.appends: list[dict[str, Any]] = []

    def append(self, runs: Any = None, trace: Any = None, spectrum: Any = None, machines: Any = None) -> None:
        """Add one group of rows."""
        given = {"runs": runs, "trace": trace, "spectrum": spectrum, "machines": machines}
        self.appends.append({table: rows for table, rows in given.items() if rows is not None})

    def tables(self) -> Tables:
        """The four tables."""
        import pyarrow as pa

        from saddlebench.results.casting import arrow_schema, to_arrow, to_frame

        appends = [{table: to_arrow(table, rows) for table, rows in given.items()} for given in self.appends]
        newest = {key: k for k, batches in enumerate(appends) if "runs" in batches for key in _keys(batches["runs"])}
        twice = sum(len(batches["runs"]) for batches in appends if "runs" in batches) > len(newest)
        frames = {}
        for table in ("runs", "trace", "spectrum", "machines"):
            parts = [(k, batches[table]) for k, batches in enumerate(appends) if table in batches]
            if twice and table != "machines":
                parts = [(k, part.filter(pa.array([newest[key] == k for key in _keys(part)], pa.bool_()))) for k, part in parts]
            frames[table] = to_frame(table, pa.Table.from_batches([part for _, part in parts], schema=arrow_schema(table)))
        return Tables(**frames)


def _keys(batch: Any) -> list[tuple[str, str]]:
    return list(zip(batch.column("cell").to_pylist(), batch.column("context").to_pylist(), strict=True))


def _only(tables: Tables, cells: Sequence[Cell]) -> Result:
    """The rows of the asked cells, in the order asked, of the newest context of each."""
    order = {cell.key: k for k, cell in enumerate(cells)}
    asked = tables.runs["cell"].map(order.get).to_numpy(dtype=float)  # NaN: not asked
    newest = tables.runs.assign(asked=asked).dropna(subset=["asked"]).sort_values(["asked", "started_at"])
    runs = newest.drop_duplicates("cell", keep="last").drop(columns="asked").reset_index(drop=True)
    if len(runs) == len(tables.runs):  # nothing else is there
        return Result(runs, tables.trace, tables.spectrum, tables.machines)
    keys = set(zip(runs["cell"], runs["context"], strict=True))

    def within(frame: pd.DataFrame) -> pd.DataFrame:
        kept = [key in keys for key in zip(frame["cell"], frame["context"], strict=True)]
        return frame.loc[np.array(kept, dtype=bool)].reset_index(drop=True)

    return Result(runs, within(tables.trace), within(tables.spectrum), tables.machines)
