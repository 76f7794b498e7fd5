"""What is recorded beside the seconds of a timed run."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import saddlebench
from saddlebench.bench import yardstick as module
from saddlebench.bench.yardstick import waited, yardstick

linux = pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this system does not count what a thread waits")


@linux
def test_waiting_is_that_of_the_thread_which_asks():
    def spin():
        found.append(waited())

    before, found = waited(), []
    thread = threading.Thread(target=spin)
    thread.start()
    thread.join()
    assert waited() >= before >= 0
    assert found[0] >= 0


@linux
def test_a_thread_that_shares_its_processor_waits():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("threads cannot be bound to a processor here")
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})  # and what is started now
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        before = waited()
        while waited() == before:  # ends with the scheduler's first slice for the other
            pass
    finally:
        other.kill()
        other.wait()
        os.sched_setaffinity(0, allowed)


def test_where_nothing_counts_waiting_the_yardstick_is_wall_clock(monkeypatch):
    monkeypatch.setattr(module, "_schedule_of", lambda thread: None)
    assert np.isnan(waited())
    assert yardstick() > 0


def test_a_timed_run_tells_waiting_and_a_yardstick_and_others_do_not():
    asked = {"games": ["bilinear"], "optimizers": ["extragradient"], "seeds": 2, "steps": 40, "checkpoints": [0, 20, 40]}
    timed, other = saddlebench.run(**asked, timing=True).trace, saddlebench.run(**asked).trace
    assert (timed["yardstick"] > 0).all()
    assert other[["waited", "yardstick"]].isna().all(axis=None)
    if waited() >= 0:
        assert (timed["waited"] <= timed["seconds"]).all()
        assert (timed.sort_values("step").groupby("cell")["waited"].diff().dropna() >= 0).all()
