"""A kill at any moment keeps what was appended, whole, and once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from saddlebench.results.store import Store, read

Start = Callable[..., tuple[int, Callable[[], int]]]


def length(number: int) -> int:
    """Checkpoints of the cell `number`, as tests/results/killed.py writes them."""
    return 1 + 37 * number % 400


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """`start(job, folder=…, …)` runs a job of killed.py and gives its process id and how to wait for its exit status."""
    script = str(Path(__file__).with_name("killed.py"))
    command = [sys.executable, "-W", "ignore", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        requests, answers = server.stdin, server.stdout
        assert requests is not None
        assert answers is not None

        def begin(job: str, **arguments: Any) -> tuple[int, Callable[[], int]]:
            print(json.dumps({"job": job, **arguments}), file=requests, flush=True)
            return int(answers.readline()), lambda: int(answers.readline())

        yield begin
        requests.close()


def check_whole(folder: Path) -> set[int]:
    """The cells in `folder`, each of which must be there once and with all its checkpoints."""
    tables = read(folder)
    assert tables.notices == ()
    numbers = tables.runs["cell"].str[1:].astype(int).tolist()
    assert len(set(numbers)) == len(numbers)
    rows = tables.trace["cell"].value_counts().to_dict()
    assert rows == {f"c{number}": length(number) for number in numbers}
    return set(numbers)


def test_kills_at_random_moments_lose_nothing_appended_and_the_next_process_goes_on(tmp_path, start):
    notes, folder = tmp_path / "acknowledged", tmp_path / "store"
    moments = random.Random(7)
    kept: set[int] = set()
    for _ in range(12):
        process, wait = start("write", folder=str(folder), acknowledged=str(notes), compacts=True)
        before = notes.stat().st_size if notes.exists() else 0
        while not notes.exists() or notes.stat().st_size == before:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.1))
        os.kill(process, signal.SIGKILL)
        assert wait() == -signal.SIGKILL
        now = check_whole(folder)
        acknowledged = [int(line) for line in notes.read_text().split()]
        assert len(set(acknowledged)) == len(acknowledged), "resuming did a cell twice"
        assert set(acknowledged) <= now
        assert len(now) - len(acknowledged) <= 12, "at most one cell a kill was committed but not acknowledged"
        assert now > kept
        kept = now
    with Store(folder) as store:
        assert store.notices == []
        store.compact()
        assert not list(folder.glob("journal-*"))
    assert check_whole(folder) == kept


@pytest.mark.parametrize(("replaces", "removes"), [(0, 9), (1, 9), (2, 9), (3, 9), (9, 0), (9, 1), (9, 2)])
def test_a_compaction_killed_at_any_step_neither_loses_nor_doubles(tmp_path, make, start, replaces, removes):
    def fill(store: Store, *numbers: int) -> None:
        for number in numbers:
            cell = f"c{number}"
            store.append(runs=[make.run(cell)], trace=make.trace(cell, length=length(number)))

    with Store(tmp_path) as store:
        fill(store, 0, 1, 2)
        store.compact()
        fill(store, 3)
        store.forget([("c2", "k0")])
        store.append(runs=[make.run("c1", status="budget")], trace=make.trace("c1", length=length(1), value=7.0))
    for number in (4, 5):
        with Store(tmp_path) as store:
            fill(store, number)
            store.forget([("c3", "k0")] if number == 5 else [])
    _, wait = start("compact", folder=str(tmp_path), replaces=replaces, removes=removes)
    assert wait() == 9

    for attempt in range(3):
        assert check_whole(tmp_path) == {0, 1, 4, 5}
        tables = read(tmp_path)
        assert (tables.trace.loc[tables.trace["cell"] == "c1", "value"] == 7.0).all()
        with Store(tmp_path) as store:
            assert store.notices == []
            assert store.keys() == {(f"c{number}", "k0"): "budget" if number == 1 else "converged" for number in (0, 1, 4, 5)}
            if attempt:
                store.compact()
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("journal") or path.suffix == ".tmp"]


def test_a_compaction_leaves_the_journal_of_a_living_writer_alone(tmp_path, make, start):
    notes, folder = tmp_path / "acknowledged", tmp_path / "store"
    process, wait = start("write", folder=str(folder), acknowledged=str(notes), compacts=False)
    while not notes.exists() or not notes.stat().st_size:
        time.sleep(0.001)
    os.kill(process, signal.SIGSTOP)
    journals = set(folder.glob("journal-*.sqlite"))
    with Store(folder) as store:
        store.append(runs=[make.run("mine")])
        assert store.compact() == 1
        assert set(folder.glob("journal-*.sqlite")) == journals
        keys = store.keys()
    assert ("mine", "k0") in keys
    assert ("c0", "k0") in keys
    os.kill(process, signal.SIGKILL)
    assert wait() == -signal.SIGKILL
    with Store(folder) as store:
        assert store.compact() == 1
        assert store.keys() == keys
