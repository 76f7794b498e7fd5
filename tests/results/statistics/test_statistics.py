"""Statistics against scipy, statsmodels, brute force and numbers worked by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as other_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from saddlebench.errors import InputError
from saddlebench.results import statistics as own

INF = math.inf


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (8, 10), (10, 10), (81, 263), (15, 148), (0, 20), (1, 29)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_is_that_of_two_other_libraries(k, n, level):
    estimate, low, high = own.wilson(k, n, level)
    assert estimate == k / n
    assert (low, high) == pytest.approx(proportion_confint(k, n, 1 - level, method="wilson"), abs=1e-12)
    other = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert (low, high) == pytest.approx((other.low, other.high), abs=1e-12)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
)
def test_wilson_has_the_numbers_of_newcombe_1998_table_1(k, n, low, high):
    assert own.wilson(k, n)[1:] == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_and_of_nonsense():
    assert all(map(math.isnan, own.wilson(0, 0)))
    for bad in [(3, 2), (-1, 2), (1, 2, 1.5)]:
        with pytest.raises(InputError):
            own.wilson(*bad)


def test_average_runtime_by_hand():
    assert own.average_runtime([10, 30, 100, 100], [True, True, False, False]) == 120
    assert own.average_runtime([100, 100], [False, False]) == INF
    assert math.isnan(own.average_runtime([], []))
    assert own.average_runtime([[1, 2], [3, 4]], [[True, True], [True, False]]).tolist() == [1.5, 7.0]


def test_average_runtime_is_what_restarts_cost():
    """Runs that succeed with probability p at cost a and else spend b: (p a + (1 − p) b)/p, by simulated restarts."""
    g, p, a, b = rng(1), 0.3, 10.0, 25.0
    solved = g.random(40_000) < p
    restarts = [a + b * (g.geometric(p) - 1) for _ in range(40_000)]
    assert own.average_runtime(np.where(solved, a, b), solved) == pytest.approx(np.mean(restarts), rel=0.02)


def test_ecdf_by_brute_force():
    g = rng(2)
    costs = np.where(g.random((7, 9)) < 0.3, INF, g.integers(1, 40, (7, 9)).astype(float))
    at = np.array([0, 1, 7, 7.5, 39, 40, 1e9])
    assert own.ecdf(costs, at).tolist() == [sum(c <= a for c in costs.ravel()) / 63 for a in at]
    assert own.ecdf(costs, np.array([INF]))[0] == np.isfinite(costs).mean()  # a miss is never reached
    finite = g.random(50)
    assert own.ecdf(finite, finite) == pytest.approx(stats.ecdf(finite).cdf.evaluate(finite))


def test_profiles_by_hand_against_a_pinned_reference():
    costs = {"ref": [2.0, 4.0, INF, INF], "fast": [1.0, 4.0, 8.0, INF], "slow": [20.0, INF, INF, INF]}
    found = own.performance_profiles(costs, "ref", [0, 0.5, 1, 10])
    assert found["ref"].tolist() == [0, 0, 0.5, 0.5]
    assert found["fast"].tolist() == [0.25, 0.5, 0.75, 0.75]  # the third problem, which the reference misses, counts at once
    assert found["slow"].tolist() == [0, 0, 0, 0.25]
    fewer = own.performance_profiles({k: costs[k] for k in ("ref", "slow")}, "ref", [0, 0.5, 1, 10])
    assert fewer["slow"].tolist() == found["slow"].tolist()
    zero = own.performance_profiles({"ref": [0.0, 0.0], "other": [0.0, 3.0]}, "ref", [1, 1e9])
    assert zero["other"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("costs", [{"other": [1.0]}, {"ref": []}, {"ref": [1.0], "b": [1.0, 2.0]}, {"ref": [math.nan]}])
def test_profiles_refuse_what_is_none(costs):
    with pytest.raises(InputError):
        own.performance_profiles(costs, "ref", [1.0])


def test_profiles_pinned_to_the_best_are_dolan_and_mores():
    g = rng(3)
    table = g.lognormal(size=(30, 3))
    costs = {"best": table.min(axis=1), **{k: table[:, k] for k in range(3)}}
    at = np.geomspace(1, 20, 9)
    for k in range(3):
        brute = [(table[:, k] / table.min(axis=1) <= tau).mean() for tau in at]
        assert own.performance_profiles(costs, "best", at)[k] == pytest.approx(brute)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 10, 11, 40])
def test_iqm_is_scipys_trimmed_mean(n):
    values = rng(n).normal(size=(3, n))
    assert own.iqm(values) == pytest.approx(stats.trim_mean(values, 0.25, axis=-1))


def test_censored_values_in_aggregates():
    assert own.iqm([1, 2, 3, 4, 5, 6, 7, INF]) == 4.5
    assert own.iqm([1, 2, 3, 4, 5, INF, INF, INF]) == INF
    assert [float(own.median(v)) for v in ([1, 2, INF], [1, INF], [INF, INF, 1], [INF, INF], [3, 1])] == [2, INF, INF, INF, 2]
    assert math.isnan(own.median([]))
    assert math.isnan(own.iqm([]))


def test_a_bootstrap_of_one_stratum_is_scipys_percentile_interval():
    values = rng(4).lognormal(size=60)
    low, high = own.stratified_bootstrap([values], own.iqm, rng(5), resamples=40_000)[1:]
    other = stats.bootstrap(
        (values,), lambda v, axis: own.iqm(np.moveaxis(v, axis, -1)), n_resamples=40_000, method="percentile", rng=rng(6)
    ).confidence_interval
    assert (low, high) == pytest.approx((other.low, other.high), rel=0.02)


def test_strata_keep_their_sizes():
    """Constant within strata: every resample is the same, so that the interval has no width; pooled it would have."""
    strata = [np.zeros(5), np.ones(7), np.full(3, 9.0)]
    assert set(own.stratified_bootstrap(strata, lambda v: v.mean(axis=-1), rng())) == {34 / 15}
    low, high = own.stratified_bootstrap([np.concatenate(strata)], lambda v: v.mean(axis=-1), rng())[1:]
    assert low < 34 / 15 < high


def test_the_bootstrap_enumerated():
    """Two runs of two strata have 16 resamples, of which the mean's distribution is known."""
    strata = [np.array([0.0, 4.0]), np.array([100.0, 140.0])]
    pairs = [list(itertools.product(values, repeat=2)) for values in strata]
    means = sorted((sum(first) + sum(second)) / 4 for first in pairs[0] for second in pairs[1])
    low, high = own.stratified_bootstrap(strata, lambda v: v.mean(axis=-1), rng(), resamples=20_000, level=0.8)[1:]
    assert (low, high) == (means[1], means[-2])  # a mass of 1/16 lies at each end, and 1/8 at each next: 10 % lie beyond the second


def test_an_interval_reaches_infinity_with_its_runs():
    low, high = own.stratified_bootstrap([[1.0, 2.0, 3.0, INF, INF]], own.median, rng())[1:]
    assert (low, high) == (1.0, INF)
    with pytest.raises(InputError):
        own.stratified_bootstrap([[]], own.median, rng())


def test_bootstrap_intervals_cover():
    g = rng(7)
    hits = 0
    for _ in range(200):
        low, high = own.stratified_bootstrap([g.normal(0, 1, 30), g.normal(4, 1, 30)], lambda v: v.mean(axis=-1), g, 500)[1:]
        hits += low <= 2 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_probability_of_improvement_by_hand_and_by_mann_and_whitney():
    assert own.probability_of_improvement([[1, 2]], [[2, 3]], rng()).estimate == (1 + 1 + 0.5 + 1) / 4
    assert own.probability_of_improvement([[INF, 1]], [[INF, INF]], rng()).estimate == 0.75
    x, y = rng(8).normal(size=12), rng(9).normal(size=15)
    u = stats.mannwhitneyu(y, x).statistic / (12 * 15)
    assert own.probability_of_improvement([x], [y], rng()).estimate == pytest.approx(u)
    two = own.probability_of_improvement([x, [0.0]], [y, [1.0]], rng())
    assert two.estimate == pytest.approx((u + 1) / 2)
    assert two.low < two.estimate < two.high


def test_probability_of_improvement_has_the_interval_of_a_plain_bootstrap():
    x, y, g = rng(10).normal(size=9), rng(11).normal(0.5, 1, size=11), rng(12)
    plain = []
    for _ in range(8000):
        a, b = g.choice(x, 9), g.choice(y, 11)
        plain.append(((a[:, None] < b) + 0.5 * (a[:, None] == b)).mean())
    found = own.probability_of_improvement([x], [y], g, resamples=8000)
    assert found[1:] == pytest.approx(tuple(np.quantile(plain, [0.025, 0.975])), abs=0.02)


def test_ranks_by_hand():
    table = [[3.0, 1.0, 2.0], [1.0, 1.0, 5.0], [INF, 2.0, INF], [INF, math.nan, 1.0]]
    found = own.ranks(np.array(table))
    assert found[:3].tolist() == [[3, 1, 2], [1.5, 1.5, 3], [2.5, 1, 2.5]]
    assert (found[3, 0], found[3, 2]) == (2, 1)
    assert math.isnan(found[3, 1])
    assert own.ranks(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("n", [1, 3, 8, 12, 25])
def test_wilcoxon_is_scipys_exact_test(n):
    d = rng(n).normal(0.3, 1, n)
    other = stats.wilcoxon(d, alternative="greater", method="exact").pvalue
    assert own.wilcoxon(d) == pytest.approx(other)


def test_wilcoxon_with_ties_zeros_and_infinities_by_enumeration():
    d = np.array([1.0, -1.0, 2.0, 2.0, 0.0, INF, INF, -3.0, 5.0])
    kept = d[d != 0]
    sizes = stats.rankdata(abs(kept))
    seen = sizes[kept > 0].sum()
    sums = [(np.array(signs) * sizes).sum() for signs in itertools.product((0, 1), repeat=len(kept))]
    assert own.wilcoxon(d) == pytest.approx(np.mean([s >= seen for s in sums]))


def test_wilcoxon_of_ten_pairs_reaches_no_smaller_p_than_a_thousandth():
    assert own.wilcoxon(np.arange(1, 11)) == 2**-10
    assert own.wilcoxon(-np.arange(1, 11.0)) == 1
    assert own.wilcoxon([0.0, 0.0]) == own.wilcoxon([]) == 1
    with pytest.raises(InputError, match="NaN"):
        own.wilcoxon([INF - INF])


def test_wilcoxon_of_many_pairs_goes_on_where_the_exact_one_ends():
    d = np.round(rng(13).normal(0.05, 1, 1001), 1)
    approximate = stats.wilcoxon(d, alternative="greater", method="asymptotic", correction=True, zero_method="wilcox").pvalue
    assert own.wilcoxon(d) == pytest.approx(approximate, rel=0.01)
    assert own.wilcoxon(d[:-1]) == pytest.approx(approximate, rel=0.2)


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (5, 0), (6, 2), (2, 9), (3, 3)])
def test_mcnemar_is_statsmodels_and_the_binomial_test(lost, won):
    other = other_mcnemar([[40, lost], [won, 20]], exact=True).pvalue
    assert own.mcnemar(lost, won, two_sided=True) == pytest.approx(other if lost + won else 1)
    one_sided = stats.binomtest(lost, lost + won, alternative="greater").pvalue if lost + won else 1
    assert own.mcnemar(lost, won) == pytest.approx(one_sided)


def test_mcnemar_refuses_negative_counts():
    with pytest.raises(InputError):
        own.mcnemar(-1, 2)


def test_false_discovery_control_has_the_numbers_of_benjamini_and_hochberg_1995():
    """Their §3.2: fifteen p-values of a thrombolysis trial, of which four are rejected at q = .05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    shuffled = rng(14).permutation(p)
    found = own.benjamini_hochberg(shuffled)
    assert sorted(shuffled[found <= 0.05]) == p[:4]
    assert found == pytest.approx(multipletests(shuffled, method="fdr_bh")[1])
    assert own.benjamini_hochberg([]).size == 0
    with pytest.raises(InputError):
        own.benjamini_hochberg([0.5, math.nan])
