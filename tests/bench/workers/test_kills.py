"""Kill -9 at random moments, of a whole run and of its workers: the finished table is that of an undisturbed run."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from saddlebench.bench.api import place_of, run_into
from saddlebench.bench.suites.load import load
from saddlebench.bench.workers.crew import Crew
from saddlebench.results.store import Store, read

# Small groups, and one of networks that goes on from checkpoints.
SUITE = """
name = "killed"
seeds = 2
steps = 60
checkpoint_minutes = 0.002
[[cross]]
games = ["bilinear", { bilinear = { matrix = [[2.0]] } }]
optimizers = ["simultaneous-gradient", "extragradient", "optimistic-gradient", "multiplicative-weights"]
spectrum = ["equilibrium"]
[[cross]]
games = [{ gaussian-ring = { width = 4, depth = 1, batch = 8 } }]
optimizers = [{ adam = { step_size = 0.001 } }]
seeds = 1
steps = 200
checkpoints = 3
"""


_STRIKES = 25  # at workers in one run: one that loses 30 without coming further is a row with an error, by intent


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    path = tmp_path_factory.mktemp("suite") / "killed.toml"
    path.write_text(SUITE)
    return path


@pytest.fixture(scope="module")
def server(suite, tmp_path_factory):
    """The tables of a run that nobody disturbs, how long it took, and `start(folder)`.

    That runs the suite into a folder, in another process; it gives its id and how to wait for its exit status.
    """
    folder = tmp_path_factory.mktemp("undisturbed") / "whole"
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("killed.py")), str(suite), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        requests, answers = running.stdin, running.stdout
        assert requests is not None
        assert answers is not None

        def begin(folder):
            print(folder, file=requests, flush=True)
            return int(answers.readline()), lambda: int(answers.readline())

        seconds = float(answers.readline())
        yield read(f"{folder}-1"), seconds, begin
        requests.close()


def finished(folder, undisturbed, alike):
    tables = read(folder)
    assert tables.notices == ()
    assert len(tables.runs) == 2 * 2 * 4 + 1
    alike(undisturbed, tables)
    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {".json", ".parquet"}
    assert not (folder / "checkpoints").exists()
    assert not (folder / "claims").exists()


@pytest.mark.parametrize(("kills", "runs"), [(5, 1), pytest.param(45, 9, marks=pytest.mark.slow)])
def test_kills_of_the_whole_process(tmp_path, server, alike, kills, runs):
    whole, seconds, start = server
    moments = random.Random(kills)
    made = 0
    for number in range(runs):
        folder = tmp_path / str(number)
        while made < kills * (number + 1) / runs:
            process, wait = start(folder)
            time.sleep(moments.uniform(0, seconds / 2))
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            status = wait()
            assert status in (0, -signal.SIGKILL)
            made += status != 0
            if status == 0:  # it was done before: the next kills strike the next run
                finished(folder, whole, alike)
                folder = tmp_path / f"{number}-{made}"
        assert start(folder)[1]() == 0
        finished(folder, whole, alike)
    print(f"{made} kills of the whole process")


@pytest.mark.parametrize("kills", [15, pytest.param(435, marks=pytest.mark.slow)])
def test_kills_of_workers(tmp_path, suite, server, alike, kills):
    whole, seconds, _ = server
    cells = load(suite).cells()
    place = replace(place_of("cpu"), threads=1)
    moments, strikes, runs = random.Random(kills), 0, 0
    while strikes < kills:
        over = threading.Event()

        def strike(over=over):
            nonlocal strikes
            last = min(kills, strikes + _STRIKES)
            while not over.wait(moments.uniform(0, seconds)) and strikes < last:
                workers = [child for child in multiprocessing.active_children() if child.pid]
                if workers:
                    os.kill(moments.choice(workers).pid, signal.SIGKILL)
                    strikes += 1

        killer = threading.Thread(target=strike)
        killer.start()
        folder = tmp_path / str(runs)
        try:
            with Store(folder) as store:
                run_into(store, cells, place, crew=Crew(workers=2))
        finally:
            over.set()
            killer.join()
        finished(folder, whole, alike)
        runs += 1
    assert torch.get_num_threads() == 1
    print(f"{strikes} kills of workers in {runs} runs")


COMMAND = """
import sys
from saddlebench.bench import context
context._commit = lambda: ("pinned", None)
from saddlebench.bench.cli import main
if __name__ == "__main__":
    main(sys.argv[1:])
"""


@pytest.mark.slow
def test_kills_of_a_command_with_workers(tmp_path, suite, server, alike):
    """Its workers end with it, and the next command goes on at once."""
    whole, seconds, _ = server
    (tmp_path / "run.py").write_text(COMMAND)
    command = [
        sys.executable,
        str(tmp_path / "run.py"),
        "run",
        str(suite),
        "--workers",
        "2",
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "out"),
    ]
    moments = random.Random(1)
    for _ in range(5):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            while not list(tmp_path.glob("out/journal-*.sqlite")) and running.poll() is None:
                time.sleep(0.02)
            time.sleep(moments.uniform(0, seconds / 4))
            running.kill()
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    finished(tmp_path / "out", whole, alike)
