import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from saddlebench.bench.interrupts import Interrupted, Interrupts, ShieldedSink
from saddlebench.bench.tensor_files import read as tensors
from saddlebench.results.store import read

SUITE = """
seeds = 30
seconds = 0.1
steps = 1000000
[[cross]]
games = ["bilinear"]
optimizers = ["extragradient"]
"""


def start(folder):
    """The command in a process of its own, once it has finished some cells."""
    (folder / "slow.toml").write_text(SUITE)
    command = [sys.executable, "-m", "saddlebench", "run", "./slow.toml", "--out", "here", "--threads", "1"]
    running = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while running.poll() is None and time.monotonic() < until:
        if (folder / "here").exists() and any((folder / "here").glob("journal-*.sqlite")):
            return running
        time.sleep(0.02)
    raise AssertionError(running.communicate()[1])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_says_what_is_kept_and_how_to_go_on(tmp_path, number, code):
    running = start(tmp_path)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (code, "")
    kept = len(read(tmp_path / "here").runs)
    assert 0 < kept < 30
    assert f"interrupted: {kept} of 30 cells are kept in {tmp_path}/here" in err
    assert "to go on: saddlebench run ./slow.toml --out here --threads 1\n" in err
    assert "Traceback" not in err
    assert set(read(tmp_path / "here").trace["cell"]) == set(read(tmp_path / "here").runs["cell"])


def test_the_same_command_goes_on(tmp_path):
    running = start(tmp_path)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    before = read(tmp_path / "here").runs.set_index("cell")["started_at"]
    command = [sys.executable, "-m", "saddlebench", "run", "./slow.toml", "--out", "here", "--threads", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert f"{30 - len(before)} cells in {30 - len(before)} groups; {len(before)} of 30 are there already" in done.stderr
    after = read(tmp_path / "here").runs.set_index("cell")["started_at"]
    assert len(after) == 30
    assert list(after[before.index]) == list(before)


class Writing:
    """A sink that is interrupted in the middle of a write."""

    def __init__(self):
        self.written = []

    def append(self, runs=None, trace=None, spectrum=None, machines=None):
        os.kill(os.getpid(), signal.SIGINT)
        self.written.append(runs)


def test_a_write_in_hand_is_finished_first():
    sink = Writing()
    with Interrupts() as interrupts, pytest.raises(Interrupted) as stopped:
        ShieldedSink(sink, interrupts).append(runs={"cell": ["a", "b"]})
    assert sink.written == [{"cell": ["a", "b"]}]
    assert stopped.value.exit_code == 130


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_an_interrupt_that_python_dropped_is_raised_at_the_next_event():
    with Interrupts() as interrupts:
        with suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted) as stopped:
            interrupts.check()
    assert stopped.value.exit_code == 143


def test_a_signal_is_deferred_to_the_checkpoint_and_a_second_one_is_not():
    with Interrupts() as interrupts:
        with suppress(Interrupted), interrupts.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            assert interrupts.asked
            interrupts.check()  # progress asks in the middle of a step
            with pytest.raises(Interrupted) as second:
                signal.raise_signal(signal.SIGINT)
            assert second.value.exit_code == 130
        with pytest.raises(Interrupted) as late, interrupts.deferred():
            pass
        assert late.value.exit_code == 130


ADAM = '{"adam": {"step_size": 0.001}}'
RING = '{"gaussian-ring": {"width": 8, "depth": 1, "batch": 32}}'
PINNED = """
import sys
from saddlebench.bench import context
context._commit = lambda: ("pinned", None)
from saddlebench.bench.cli import main
main(sys.argv[1:])
"""


def long_run(folder, steps, *more):
    asked = ["--game", RING, "--optimizer", ADAM, "--steps", str(steps), "--seeds", "2", "--threads", "1", "--out", str(folder)]
    return [sys.executable, "-c", PINNED, "run", *asked, *more, "--device", "cpu"]


@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["here", "workers"])
def test_a_scheduler_s_sigterm_writes_a_checkpoint_from_which_the_same_command_goes_on(tmp_path, more):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    running = subprocess.Popen(long_run(broken, 1500, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (broken / "saddlebench-results.json").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(1)
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (143, ""), err
    states = list(broken.glob("checkpoints/*/state.safetensors"))
    assert f"interrupted: 0 of 2 cells are kept in {broken}" in err
    assert ("; those in flight go on from their last checkpoint" in err) == bool(states)
    assert len(states) == 1 or more, "workers may not have begun"
    for state in states:
        assert 0 < tensors(state).header["step"] < 1500, "the default is a checkpoint every five minutes: this is the signal's"
    for folder in (broken, whole):
        done = subprocess.run(long_run(folder, 1500, *more), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    assert not (broken / "checkpoints").exists()
    traces = [read(folder).trace.sort_values(["cell", "step", "measure"]).reset_index(drop=True) for folder in (whole, broken)]
    assert traces[0].drop(columns="seconds").equals(traces[1].drop(columns="seconds"))
