"""Times of runs, and what is left out of them, on records made by hand."""

import numpy as np
import pandas as pd
import pytest

from saddlebench.results.regression.times import TIME_MARGIN, log_times, margin, shared, step_times
from saddlebench.results.store import Tables

INTERVALS, STEPS = 20, 5


def night(each, waited=None, yardstick=np.nan, cells=1):
    """A timed run a cell: seconds a step and seconds waited of each interval, the yardstick at each checkpoint."""
    each, lost = np.broadcast_to(each, INTERVALS), np.broadcast_to(0.0 if waited is None else waited, INTERVALS)
    total = np.concatenate([[0.0], np.cumsum(STEPS * each + lost)])
    told = np.concatenate([[0.0], np.cumsum(lost)]) if waited is not None else np.full(INTERVALS + 1, np.nan)
    one = pd.DataFrame({"step": STEPS * np.arange(INTERVALS + 1), "seconds": total, "waited": told, "yardstick": yardstick})
    runs = pd.DataFrame({"cell": [f"c{k}" for k in range(cells)], "seconds": total[-1], "steps": STEPS * INTERVALS})
    return Tables(runs, pd.concat([one.assign(cell=cell) for cell in runs["cell"]]), pd.DataFrame(), pd.DataFrame())


def test_intervals_that_were_disturbed_do_not_count():
    each = np.where(np.arange(INTERVALS) < 3, 1e-4, 5e-4)
    assert step_times(night(each))["seconds"].tolist() == pytest.approx([1e-4])


def test_waiting_is_taken_off():
    lost = np.linspace(1e-3, 2e-2, INTERVALS)
    assert step_times(night(1e-4, waited=lost))["seconds"].tolist() == pytest.approx([1e-4])
    assert step_times(night(1e-4 + lost / STEPS))["seconds"].item() > 2e-4  # where it is not told, it counts


def test_a_slower_machine_is_in_the_yardstick_and_a_slower_step_is_not():
    quiet, busy, slower = (night(e, 0.0, y, cells=3) for e, y in ((1e-4, 2e-4), (1.5e-4, 3e-4), (1.8e-4, 3e-4)))
    logs, yardsticks = log_times([quiet, busy, slower])
    assert yardsticks
    assert np.exp(logs[1] - logs[0]).to_list() == pytest.approx([1.0] * 3)
    assert np.exp(logs[2] - logs[0]).to_list() == pytest.approx([1.2] * 3)


def test_without_a_yardstick_on_either_side_times_are_in_seconds():
    logs, yardsticks = log_times([night(1e-4, 0.0, 2e-4), night(1.5e-4)])
    assert not yardsticks
    assert np.exp(logs[1] - logs[0]).item() == pytest.approx(1.5)


def test_what_all_cells_share_is_left_out_as_far_as_the_margin():
    slower = np.full(9, np.log(1.2))
    assert np.exp(shared(slower, yardsticks=False)) == pytest.approx(1.2)
    assert np.exp(shared(slower, yardsticks=True)) == pytest.approx(TIME_MARGIN)
    assert np.exp(shared(-slower, yardsticks=True)) == pytest.approx(1 / TIME_MARGIN)
    assert np.exp(shared(slower / 10, yardsticks=True)) == pytest.approx(1.2**0.1)
    assert shared(np.array([]), yardsticks=True) == 0.0


def test_the_margin_is_what_pools_of_two_nights_differ_by():
    rng = np.random.default_rng(0)
    assert margin(rng.normal(0, 0.01, 50)) == TIME_MARGIN
    noisy = rng.normal(0.3, 0.05, 2001)
    assert np.log(margin(noisy)) == pytest.approx(0.1, rel=0.1)
    assert np.log(margin(np.where(np.arange(2001) < 100, np.log(2), noisy))) == pytest.approx(0.1, rel=0.15)  # a few are slower
    assert margin([0.0, 1.0, -1.0]) == TIME_MARGIN  # too few to tell


def test_runs_that_were_alone_by_chance_are_left_out():
    def mixed(each, yardstick):
        timed, other = night(each, 0.0, yardstick), night(3 * each)
        other.runs["cell"] = other.trace["cell"] = "by chance"
        return Tables(pd.concat([timed.runs, other.runs]), pd.concat([timed.trace, other.trace]), pd.DataFrame(), pd.DataFrame())

    logs, yardsticks = log_times([mixed(1e-4, 2e-4), mixed(1.5e-4, 3e-4)])
    assert yardsticks
    assert logs.index.tolist() == ["c0"]
    assert np.exp(logs[1] - logs[0]).item() == pytest.approx(1.0)
