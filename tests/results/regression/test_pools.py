import numpy as np
import pytest
from scipy import stats

from saddlebench.results.regression.costs import log_ratios, middle
from saddlebench.results.regression.pools import LEVEL, adjust, lost, median_interval, worse
from saddlebench.results.regression.times import steady


def test_the_interval_of_the_median_covers_it():
    rng = np.random.default_rng(0)
    for n in (6, 10, 20, 41):
        drawn = np.exp(rng.normal(size=(4000, n)))  # median 1
        ends = np.array([median_interval(row) for row in drawn])
        assert ((ends[:, 0] <= 1) & (ends[:, 1] >= 1)).mean() >= 0.945, n
    assert median_interval(np.arange(1.0, 11.0)) == (2.0, 9.0)  # Conover: n = 10, 97.9 %
    assert median_interval(np.arange(5.0)) == (-np.inf, np.inf)


def test_a_margin_is_tolerated():
    ratios = np.log(np.linspace(1.08, 1.12, 20))
    assert worse("time", "o", "f", ratios).p == pytest.approx(2.0**-20)
    assert worse("time", "o", "f", ratios, margin=1.2).p == pytest.approx(1.0)


def test_ratio_and_interval_are_those_of_the_pairs():
    pool = worse("cost", "o", "f", np.log([1.0, 2.0, 4.0, 4.0, 4.0, 8.0, np.inf]))
    assert (pool.ratio, pool.low, pool.high) == pytest.approx((4.0, 1.0, np.inf))


def test_lost_successes_are_mcnemar_s():
    pool = lost("o", "f", [True] * 9 + [False] * 3, [False] * 8 + [True] * 2 + [False] * 2)
    assert pool.p == pytest.approx(stats.binomtest(8, 9, 0.5, alternative="greater").pvalue)
    assert pool.detail == "9 → 2 of 12 succeed"


def test_unchanged_pools_raise_few_alarms():
    rng = np.random.default_rng(0)
    alarms = [
        any(p.adjusted <= LEVEL for p in adjust([worse("cost", "", "", rng.normal(size=20)) for _ in range(30)]))
        for _ in range(200)
    ]
    assert np.mean(alarms) <= 0.03  # the level is 0.01; 0.03 is 3 standard errors away


def test_the_middle_half_of_levels():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 50))
    assert middle(values) == pytest.approx(stats.trim_mean(values, 0.25, axis=1))
    some = np.array([[1.0, np.nan, 2.0, 3.0, np.inf]])
    assert middle(some).tolist() == [2.5]
    assert middle(np.array([[0.0, 0.0, np.inf, np.inf]])).tolist() == [np.inf]
    before, after = np.array([10.0, 20.0, np.inf, np.inf]), np.array([20.0, np.inf, 5.0, np.inf])
    assert log_ratios(before, after)[:3].tolist() == [pytest.approx(np.log(2)), np.inf, -np.inf]
    assert np.isnan(log_ratios(before, after)[3])


def test_a_pool_with_other_work_on_the_machine_is_not_steady():
    one = np.zeros(20, dtype=int)
    assert steady(np.full(20, -9.0) + np.linspace(-0.05, 0.05, 20), one)
    assert not steady(np.linspace(-9.5, -8.5, 20), one)
    two = np.repeat([0, 1], 10)
    assert steady(np.repeat([-9.0, -7.0], 10), two)  # two pairings, each steady
