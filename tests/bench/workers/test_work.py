"""Groups handed out to several runs in one directory: each to one of them, none twice, none left."""

import os
import subprocess
import sys

import pytest
import torch

from saddlebench.bench.api import place_of, run_into
from saddlebench.bench.build import build_all
from saddlebench.bench.cells import cross
from saddlebench.bench.runner import Runner
from saddlebench.bench.settings import Settings
from saddlebench.bench.workers.crew import done_of, finished_in, shared_work
from saddlebench.results.locking import Lock
from saddlebench.results.store import Store, read


@pytest.fixture
def cells():
    games, optimizers = build_all("game", ["bilinear", "quadratic"]), build_all("optimizer", ["extragradient", "heavy-ball"])
    return cross(games, optimizers, [0, 1], Settings.of(steps=20))


def work_in(store, cells, runner):
    return shared_work(cells, runner, store, lambda: finished_in(store, cells, runner))


def test_a_group_is_handed_to_one_of_two_runs_and_back_when_it_is_released(tmp_path, cells):
    with Store(tmp_path) as one, Store(tmp_path) as two:
        ours, theirs = (work_in(s, cells, Runner(s, place_of("cpu"))) for s in (one, two))
        taken = [group for group in (ours.take(), theirs.take(), ours.take(), theirs.take()) if group is not None]
        assert sorted(c.key for g in taken for c in g) == sorted(c.key for c in cells)
        assert ours.take() is theirs.take() is None
        ours.release(taken[0])
        ours.close()
        assert theirs.take() == taken[0], "it was given up"
        theirs.close()
        assert not (tmp_path / "claims").exists()


def test_what_another_run_has_finished_meanwhile_is_left_out(tmp_path, cells):
    with Store(tmp_path) as one, Store(tmp_path) as two:
        ours = work_in(one, cells, Runner(one, place_of("cpu")))
        run_into(two, cells, place_of("cpu"))
        assert ours.take() is None
        assert not ours.waiting
        assert sum(map(len, ours.elsewhere)) == 8


def test_a_claim_ends_with_its_process(tmp_path, cells):
    code = (
        "import sys, time; from pathlib import Path; from saddlebench.results.locking import Lock\n"
        "locks = [Lock.take(Path(p)) for p in sys.argv[1:]]; print('held', flush=True); time.sleep(600)\n"
    )
    with Store(tmp_path) as store:
        work = work_in(store, cells, Runner(store, place_of("cpu")))
        first = work.take()
        assert first is not None
        (path,) = (tmp_path / "claims").iterdir()
        work.release(first)
        (tmp_path / "claims").mkdir(exist_ok=True)
        with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            assert Lock.take(path) is None
            holder.kill()
        assert work_in(store, cells, Runner(store, place_of("cpu"))).take() == first


def test_two_runs_at_once_share_the_cells(tmp_path, cells):
    """Two processes run the same cells into one directory: every cell is there once, and was run once."""
    settings = Settings.of(steps=200, timing=True)
    many = cross(build_all("game", "bilinear"), build_all("optimizer", "extragradient"), list(range(40)), settings)
    children = []
    for _ in range(2):
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            torch.set_num_threads(1)
            os.read(read_end, 1)
            with Store(tmp_path / "out") as store:
                run_into(store, many, place_of("cpu"))
            os._exit(0)
        children.append((child, write_end))
    for _, write_end in children:
        os.write(write_end, b"!")
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children] == [0, 0]
    tables = read(tmp_path / "out")
    assert sorted(tables.runs["cell"]) == sorted(cell.key for cell in many)
    assert not tables.trace.duplicated(["cell", "step", "answer", "measure"]).any()
    assert not (tmp_path / "out" / "claims").exists()


def test_a_directory_is_seen_to_change_by_others_alone(tmp_path, cells):
    with Store(tmp_path) as one, Store(tmp_path) as two:
        before = one.others()
        run_into(one, cells[:2], place_of("cpu"))
        one.append(machines=[])
        compacted = one.others()
        assert compacted != before, "runs.parquet is everybody's"
        assert one.others() == compacted
        runner = Runner(two, place_of("cpu"))
        runner.run([cells[2:4]])
        assert one.others() != compacted


def test_a_machine_of_another_name_counts_where_it_may(tmp_path, cells, monkeypatch):
    with Store(tmp_path) as store:
        run_into(store, cells[:4], place_of("cpu"))
        monkeypatch.setattr("saddlebench.bench.context.machine_row", lambda: {"machine": "another"})
        runner = Runner(store, place_of("cpu"))
        assert len(runner.todo(cells, finished_in(store, cells, runner))) == 4
        assert len(runner.todo(cells, finished_in(store, cells, runner, anywhere=True))) == 2
        assert len(runner.todo(cells, finished_in(store, cells, runner, anywhere=True, force=True))) == 4
        monkeypatch.setattr("saddlebench.bench.context._commit", lambda: ("another", None))
        elsewhere = Runner(store, place_of("cpu"))
        assert len(elsewhere.todo(cells, finished_in(store, cells, elsewhere, anywhere=True))) == 4


def test_what_failed_is_done_unless_it_is_to_be_tried_again():
    statuses = {("a", "k"): "error", ("b", "k"): "timeout", ("c", "k"): "diverged"}
    assert done_of(statuses, False, False) == set(statuses)
    assert done_of(statuses, False, True) == {("c", "k")}
    assert done_of(statuses, True, False) == set()
