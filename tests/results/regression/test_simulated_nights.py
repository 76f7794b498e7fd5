"""Simulated nights from two real ones: nights.parquet holds the seconds a step of the suite `nightly`, as two nights of one commit
measured them on two cores that other work kept busy (a load of 6 to 9)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from saddlebench.results.regression.pools import LEVEL, adjust, worse
from saddlebench.results.regression.power import CostPool, Simulation, TimePool
from saddlebench.results.regression.times import TIME_MARGIN, steady

NIGHTS = pd.read_parquet(Path(__file__).with_name("nights.parquet"))


def pools(nights=(0, 1)):
    found = []
    for (optimizer, game), part in NIGHTS.groupby(["optimizer", "game"], observed=True):
        logs = np.log(part.pivot(index="night", columns="seed", values="seconds_per_step").loc[list(nights)].to_numpy())
        found.append(TimePool(optimizer, game, logs, np.zeros(logs.shape[1], dtype=int)))
    return found


def alarms_and_power(nights, seed=1):
    rng = np.random.default_rng(seed)
    made = Simulation(pools(), [])
    quiet = Simulation([pool for pool in pools([1]) if pool.steady(np.array([0]))], [])
    table = quiet.power((1.05, 1.1, 1.2, 1.5), max(nights // 10, 4), rng).groupby("slow_down")["power"].mean()
    return made.false_alarms(nights, rng), table


def test_unchanged_nights_are_silent_and_slow_downs_are_found():
    alarms, power = alarms_and_power(30)
    assert alarms <= 0.02 + 1 / 30
    assert power.is_monotonic_increasing
    assert power[1.5] > 0.9
    assert power[1.05] < 0.1  # within the margin


@pytest.mark.slow
def test_two_hundred_unchanged_nights(capsys):
    alarms, power = alarms_and_power(200)
    with capsys.disabled():
        print(f"\nalarms in 200 unchanged nights: {alarms:.1%}; power: {power.round(2).to_dict()}")
    assert alarms <= 0.02


def test_a_fifth_more_time_is_found_in_its_pool_alone():
    # The same night again, one method a fifth slower, the pairs with the noise of a real night: that of their own seeds.
    rng, tested = np.random.default_rng(0), []
    for pool in pools([1]):
        if steady(pool.logs[0], pool.pairing):
            noise = rng.permutation(pool.logs[0]) - pool.logs[0]
            tested.append(
                worse("time", pool.optimizer, pool.family, noise + np.log(1.2) * (pool.optimizer == "extragradient"), TIME_MARGIN)
            )
    found = [p for p in adjust(tested) if p.adjusted <= LEVEL]
    assert {p.optimizer for p in found} == {"extragradient"}
    assert all(p.low is not None and p.high is not None and p.low < 1.25 and p.high > 1.15 for p in found)


def test_a_slower_run_s_costs_are_those_of_the_next_checkpoints():
    grid = np.array([[0.0, 10.0, 20.0, 30.0, 40.0]])
    pool = CostPool("o", "f", np.array([[10.0, 20.0, np.inf]]), grid, np.array([0]), chaotic=False)
    rng = np.random.default_rng(0)
    assert pool.draws(1.0, rng).tolist() == [0.0]
    doubled = pool._slowed(np.array([0]), 2.0, rng)[0]
    assert doubled[0] in (10.0, 20.0)  # what took (0, 10] takes (0, 20]
    assert doubled[1] in (30.0, 40.0)
    assert np.isinf(doubled[2])
