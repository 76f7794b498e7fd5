"""Workers of this machine: the same tables, whatever becomes of them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import saddlebench
from saddlebench.bench.workers import processes, sweep
from saddlebench.errors import InputError

CRASHES = {
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", r"was killed \(SIGKILL\), for memory or by somebody"),
    "crashed": ("ctypes.string_at(0)", r"crashed \(SIGSEGV\)"),
    "left": ("os._exit(3)", "ended by itself with exit code 3"),
}


@pytest.fixture
def _impatient(monkeypatch):
    monkeypatch.setattr(sweep, "_KILLS", 2)


def test_tables_are_those_of_one_process(swept, alike):
    asked = {
        "games": ["bilinear", "quadratic", "rock-paper-scissors"],
        "optimizers": ["extragradient", "adam", "multiplicative-weights"],
    }
    told = Told()
    many = swept(**asked, spectrum=["equilibrium"], progress=told)
    alike(swept(**asked, spectrum=["equilibrium"], workers=None), many)
    assert told.cells == 27
    assert set(many.runs["threads"]) == {1}
    assert not multiprocessing.active_children()


class Told:
    """Progress that counts."""

    cells, share = 0, 0.0

    def begin(self, label, cells):
        assert cells > 0

    def advance(self, fraction):
        assert 0 <= fraction <= 1
        self.share = max(self.share, fraction)

    def done(self, cells):
        self.cells += cells


def test_progress_moves_within_a_group(swept):
    told = Told()
    swept(steps=6000, progress=told)
    assert told.share > 0


def test_a_user_s_file_goes_along(swept, method, alike):
    mine = method("pass")
    alike(swept(optimizers=mine, workers=None), swept(optimizers=mine))


def test_a_file_that_changes_meanwhile_is_refused(swept, method):
    from saddlebench.bench.build import build

    mine = build("optimizer", method("assert len(w) == 2"))
    method("time.sleep(0)")
    with pytest.raises(InputError, match=r"mine.py was changed while it was being run"):
        swept(optimizers=[mine])


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("end", CRASHES)
def test_a_group_that_ends_its_worker_is_an_error_and_the_rest_goes_on(swept, method, end):
    body, reason = CRASHES[end]
    mine = method(f"if oracle.seeds.eq(1).any() and oracle.step == 7: {body}")
    runs = swept(optimizers=[mine, "extragradient"], seeds=4).runs
    lost = runs["status"] == "error"
    assert list(runs.loc[lost, ["optimizer", "seed"]].itertuples(index=False, name=None)) == [("mine", 1)]
    assert runs.loc[lost, "reason"].str.fullmatch(rf"LostWorker: its worker {reason}, \w+( times)?").all()
    assert len(runs) == 8


def test_a_kill_for_memory_is_told_as_such(swept, method, monkeypatch):
    counts = iter(range(10**6))
    monkeypatch.setattr(processes, "memory_kills", lambda: next(counts))
    runs = swept(optimizers=method("os.kill(os.getpid(), signal.SIGKILL)"), seeds=1).runs
    assert list(runs["status"]) == ["error"]
    assert runs["reason"][0].startswith("LostWorker: its worker was killed by the system: the machine's memory was used up")


def test_a_late_worker_is_killed(swept, method, monkeypatch):
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 1.0)
    mine = method("time.sleep(600 * (oracle.step == 3))")
    began = time.monotonic()
    runs = swept(optimizers=[mine, "extragradient"], timeout=1.0).runs
    assert time.monotonic() - began < 120
    assert dict(zip(runs["optimizer"], runs["status"], strict=True)) == {"mine": "timeout", "extragradient": "budget"}
    assert set(runs.loc[runs["status"] == "timeout", "reason"]) == {"killed 1 s after its 1 s: a step or a measure did not end"}


def test_a_worker_s_bad_input_ends_the_run(swept, method, tmp_path):
    mine = method("from saddlebench.errors import InputError; raise InputError('that is wrong')")
    with pytest.raises(InputError, match="that is wrong"):
        swept(optimizers=mine)
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_script_without_a_guard_says_what_is_missing(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import saddlebench\nsaddlebench.run('bilinear', 'extragradient', steps=5, workers=1)\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 1
    assert "InputError: a worker could not be started (what it said is above): in a script" in done.stderr


def test_what_cannot_be_sent_is_bad_input(swept):
    from dataclasses import dataclass

    from saddlebench.optimizers.optimizer import Optimizer

    @dataclass(frozen=True)
    class Local(Optimizer):
        name = "local"

        def step(self, oracle, w, state):
            return w, state

    with pytest.raises(InputError, match=r"workers cannot be sent local on bilinear .*: define games and optimizers in a file"):
        swept(optimizers=[Local()])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"workers": 0}, "workers = 0: a whole number from 1 on"),
        ({"executor": "rya"}, "unknown executor 'rya': did you mean 'ray'"),
        ({"address": "auto"}, "address and gpus are of a Ray cluster"),
        ({"executor": "ray", "gpus": 1.5}, "gpus = 1.5: a part of one"),
    ],
)
def test_bad_input(swept, wrong, said):
    with pytest.raises(InputError, match=said):
        swept(**wrong)


PARENT = """
import sys
import saddlebench
if __name__ == "__main__":
    print("up", flush=True)
    saddlebench.run("bilinear", sys.argv[1], seeds=1, steps=10, workers=2)
"""


def test_workers_end_with_their_parent(method, tmp_path):
    mine = method(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script), mine], stdout=subprocess.PIPE) as parent:
        pid = until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        parent.kill()
    until(lambda: not alive(pid))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(found, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_an_idle_worker_that_is_killed_costs_nothing(swept, alike):
    """The killer strikes whoever is alive, at work or not, as long as the run lasts, but lets workers come up in between."""
    whole = swept(workers=None, seeds=120, games=["bilinear", "quadratic"], timing=True)
    over, struck = threading.Event(), []

    def strike():
        while not over.wait(1.0):
            for child in multiprocessing.active_children():
                struck.append(child.pid)
                os.kill(child.pid, signal.SIGKILL)

    killer = threading.Thread(target=strike)
    killer.start()
    try:
        alike(whole, saddlebench.run(["bilinear", "quadratic"], "extragradient", 120, 50, device="cpu", workers=2, timing=True))
    finally:
        over.set()
        killer.join()
    assert struck


def test_the_machine_s_count_of_kills_for_memory_is_read():
    assert processes.memory_kills() >= 0
