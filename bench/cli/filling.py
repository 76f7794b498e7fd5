"""Running the cells that a paper's table lacks. Imports torch."""

from pathlib import Path

import typer

from saddlebench.bench.api import place_of
from saddlebench.bench.cells import Cell
from saddlebench.bench.cli.output import counted, say
from saddlebench.bench.cli.places import results_root
from saddlebench.bench.cli.progress import progress
from saddlebench.bench.interrupts import Interrupted, Interrupts, ShieldedSink
from saddlebench.bench.runner import Runner
from saddlebench.bench.suites.load import find
from saddlebench.results.store import Store, read

_FAILED = ("error", "timeout")


def fill(name: str) -> Path:
    """Run those cells of a shipped suite that its directory lacks, whatever the context, and return the directory.

    Raises:
        typer.Exit: interrupted; finished cells are kept.
    """
    suite = find(name)
    folder = results_root() / suite.name
    missing = _missing(suite.cells(), folder)
    if not missing:
        return folder
    say(f"{counted(len(missing), 'cell')} of the suite {suite.name}, into {folder}")
    try:
        with Interrupts() as interrupts, Store(folder) as store, progress(len(missing), interrupts.check) as shown:
            runner = Runner(ShieldedSink(store, interrupts), place_of("cpu"), shown)
            runner.run(runner.todo(missing, ()))
            with interrupts.shield():
                store.compact()
    except Interrupted as ended:
        say(f"interrupted: finished cells are kept in {folder}; the same command goes on")
        raise typer.Exit(ended.exit_code) from ended
    return folder


def _missing(cells: list[Cell], folder: Path) -> list[Cell]:
    if not folder.exists():
        return cells
    runs = read(folder, ("runs",)).runs
    held = set(runs["cell"][~runs["status"].isin(_FAILED)])
    return [cell for cell in cells if cell.key not in held]
