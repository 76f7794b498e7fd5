"""What `saddlebench nightly` does once its options are read: run, compare, confirm, write down."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from saddlebench.bench.api import Memory, place_of
from saddlebench.bench.cells import Cell
from saddlebench.bench.cli.comparing import GOLDEN, judged, report, rows_of
from saddlebench.bench.cli.output import counted, render, say
from saddlebench.bench.cli.progress import progress
from saddlebench.bench.context import context_of
from saddlebench.bench.runner import Runner, Sink
from saddlebench.bench.suites.load import Suite, find
from saddlebench.errors import InputError
from saddlebench.results.regression.comparison import Comparison, one_of_each
from saddlebench.results.regression.golden import golden_faults, read_golden
from saddlebench.results.store import Store, Tables, read

LOG = "nights.json"
_COLUMNS = ("finding", "optimizer", "games", "cells", "ratio", "low", "high", "adjusted", "detail")


@dataclass(frozen=True)
class Night:
    """An entry of the log.

    Attributes:
        name: of its directory.
        commit: of the harness.
        dirty: hash of uncommitted changes, or None.
        suite: that was run besides golden.
        seconds: the whole night took.
        cells: that were run.
        baseline: the night that it was compared with.
        findings: how many.
        good: may later nights be compared with it?
    """

    name: str
    commit: str
    dirty: str | None
    suite: str
    seconds: float
    cells: int
    baseline: str | None
    findings: int
    good: bool


def night(folder: Path, suite: str, device: str, asv: bool) -> int:
    """Run a night in ``folder`` and return the exit code.

    Raises:
        InputError: no such suite or device, or a log that cannot be read; nothing was run.
    """
    began, started = time.monotonic(), datetime.now(UTC)
    _, asked = nights_of(folder), find(suite)  # a damaged log is told before anything runs
    place_of(device)
    cells = find(GOLDEN).cells() + asked.cells()
    context = context_of("float64", torch.device("cpu"))
    name = f"{started:%Y-%m-%dT%H%M%SZ}-{context.commit[:10]}"
    with Store(folder / name) as store:
        play(cells, store, asked, device)
        store.compact()
    new = read(folder / name)
    log = nights_of(folder)  # as of now: a night may have been accepted meanwhile
    last = next((n for n in reversed(log) if n.good and n.suite == asked.name and (folder / n.name).is_dir()), None)
    found = _compared(new, read(folder / last.name) if last else None, cells, asked, device)
    rows = rows_of(found)
    entry = Night(
        **{"name": name, "commit": context.commit, "dirty": context.dirty, "suite": asked.name, "cells": len(cells)},
        **{"seconds": round(time.monotonic() - began, 1), "baseline": last.name if last else None},
        **{"findings": len(rows), "good": not found.regressed},
    )
    _write_findings(folder / name / "findings.md", entry, found)
    _write(folder, [*log, entry])
    _pages(folder / name, context.commit, asv)
    code = report(found)
    against = (
        f"compared with {last.name}" if last else "the first good night of this suite is still to come" if code else "the first"
    )
    say(f"{folder / name}: {counted(len(cells), 'cell')} in {entry.seconds:.0f} s, {against}")
    return code


def play(cells: Sequence[Cell], sink: Sink, suite: Suite, device: str) -> None:
    """Run cells: float64 on the CPU, where golden values are of, others on ``device``."""
    double = [cell for cell in cells if cell.pairing.game.dtype == "float64"]
    others = [cell for cell in cells if cell.pairing.game.dtype != "float64"]
    for part, where in ((double, "cpu"), (others, device)):
        runner = Runner(sink, place_of(where, suite.dtype, suite.timeout))
        work = runner.todo(part, ())
        with progress(len(part)) as shown:
            runner.progress = shown
            runner.run(work)


def _compared(new: Tables, old: Tables | None, cells: Sequence[Cell], suite: Suite, device: str) -> Comparison:
    """The comparison with the last good night, times confirmed; of a first night with the golden table and by its errors."""
    if old is None:
        one = one_of_each(new)
        broken = judged(one, one)  # no error is new: errors of a first night are told by `run`
        return replace(broken, faults=golden_faults(read_golden(), one, whole=True))
    found = judged(old, new)
    slower = [pool for pool in found.worse if pool.kind == "time"]
    if not slower:
        return found
    say(f"{counted(len(slower), 'pool')} took longer: timing again")
    again = Memory()
    play([cell for cell in cells if cell.pairing.settings.alone], again, suite, device)
    alone = set(again.tables().runs["cell"])
    runs = old.runs[old.runs["cell"].isin(list(alone))]
    confirmed = judged(replace(old, runs=runs), again.tables()).worse
    both = {(pool.optimizer, pool.family) for pool in confirmed if pool.kind == "time"}
    kept = [pool for pool in found.pools if pool not in slower or (pool.optimizer, pool.family) in both]
    notes = (
        *found.notes,
        f"timed again: {len(both & {(p.optimizer, p.family) for p in slower})} of {len(slower)} took longer again",
    )
    return replace(found, pools=kept, notes=notes)


def accept_last(folder: Path) -> int:
    """Call the last night good.

    Raises:
        InputError: there is none.
    """
    log = nights_of(folder)
    if not log:
        raise InputError(f"{folder} holds no nights yet: saddlebench nightly")
    _write(folder, [*log[:-1], replace(log[-1], good=True)])
    say(f"{log[-1].name} with {counted(log[-1].findings, 'finding')} is what later nights are compared with")
    return 0


def nights_of(folder: Path) -> list[Night]:
    """The log, oldest first.

    Raises:
        InputError: it is damaged.
    """
    try:
        return [Night(**entry) for entry in json.loads((folder / LOG).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise InputError(f"{folder / LOG} is damaged ({error}): move it away to begin anew") from error


def _write(folder: Path, log: list[Night]) -> None:
    part = folder / f".{LOG}.part"
    part.write_text(json.dumps([asdict(entry) for entry in log], indent=1) + "\n", encoding="utf-8")
    os.replace(part, folder / LOG)


def _write_findings(path: Path, entry: Night, found: Comparison) -> None:
    """Markdown, as the workflow posts it."""
    rows = rows_of(found)
    columns = [c for c in _COLUMNS if any(row.get(c) is not None for row in rows)]
    lines = [
        f"# {counted(len(rows), 'finding')} in {entry.name}",
        "",
        f"Commit {entry.commit}, compared with {entry.baseline}.",
        "",
    ]
    lines += [render(rows, columns, "md"), ""] if rows else []
    lines += [f"- {note}" for note in found.notes]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pages(folder: Path, commit: str, asv: bool) -> None:
    """The report page, and asv's pages on request; a failure is said and costs no results."""
    _call([sys.executable, "-m", "saddlebench", "report", str(folder)], None)
    if not asv:
        return
    checkout, program = Path(__file__).resolve().parents[2], shutil.which("asv", path=str(Path(sys.executable).parent))
    if program is None or not (checkout / "asv.conf.json").is_file():
        raise InputError("--asv needs a checkout with asv installed: make install")
    _call([program, "run", f"--environment=existing:{sys.executable}", f"--set-commit-hash={commit}"], checkout)
    _call([program, "publish"], checkout)


def _call(command: list[str], where: Path | None) -> None:
    done = subprocess.run(command, cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        say(f"{' '.join(Path(part).name for part in command[:4])} failed: {done.stderr.strip().splitlines()[-1:]}")
