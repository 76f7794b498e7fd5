"""Verdicts and measured rates on series whose outcome is known."""

import math

import numpy as np
import pytest

from saddlebench.bench.settings import Settings
from saddlebench.bench.verdict import judge, measured_rate

STEPS = np.arange(0, 1001, 5)


def verdict(series, field=None, **settings):
    values = np.ones(len(STEPS)) if series is None else series
    criterion = None if series is None else values
    return judge(STEPS, criterion, values if field is None else field, Settings.of(**settings))


def test_shrinking_below_the_tolerance_converges():
    assert verdict(0.98**STEPS).status == "converged"


def test_shrinking_too_slowly_exhausts_the_budget():
    assert verdict(0.999**STEPS).status == "budget"


def test_growing_past_the_bound_diverges_and_says_where():
    found = verdict(1.02**STEPS)
    assert found.status == "diverged"
    assert STEPS[found.end] == 5 * math.ceil(math.log(1e6) / math.log(1.02) / 5)


def test_one_value_that_is_not_finite_diverges_there():
    series = np.ones(len(STEPS))
    series[7] = np.nan
    assert verdict(series) == judge(STEPS, series, series, Settings())
    assert verdict(series).end == 7


def test_oscillating_within_bounds_cycles():
    assert verdict(1 + 0.5 * np.sin(STEPS / 7)).status == "cycling"


def test_an_oscillation_that_grows_by_a_tenth_does_not_cycle():
    assert verdict((1 + 0.5 * np.sin(STEPS / 7)) * 1.0005**STEPS).status == "budget"


def test_slow_is_not_cyclic():
    assert verdict(0.99999**STEPS).status == "budget"
    assert verdict(1.00001**STEPS).status == "budget"


def test_a_run_of_a_few_steps_is_too_short_to_cycle():
    steps = np.arange(0, 21, 5)
    series = np.array([1.0, 1.1, 0.9, 1.1, 0.9])
    assert judge(steps, series, series, Settings()).status == "budget"


def test_without_a_criterion_a_run_completes_or_diverges():
    assert verdict(None, field=np.ones(len(STEPS))).status == "completed"
    assert verdict(None, field=1.02**STEPS).status == "diverged"


def test_tolerances_are_settings():
    assert verdict(0.999**STEPS, converged=0.5).status == "converged"
    assert verdict(1.001**STEPS, diverged=2.0).status == "diverged"


@pytest.mark.parametrize("rate", [0.9, 0.99, 1.001])
def test_the_rate_of_a_geometric_series_is_its_ratio(rate):
    assert measured_rate(STEPS, 3.0 * rate**STEPS) == pytest.approx(rate, rel=1e-9)


def test_the_rate_of_a_damped_oscillation_is_its_modulus():
    series = 0.99**STEPS * np.abs(1.5 + np.cos(0.8 * STEPS))
    assert measured_rate(STEPS, series) == pytest.approx(0.99, abs=2e-4)


def test_rounding_is_not_part_of_the_rate():
    series = np.maximum(0.9**STEPS, 1e-16)
    assert measured_rate(STEPS, series) == pytest.approx(0.9, rel=1e-9)


def test_too_few_points_have_no_rate():
    assert measured_rate(np.array([0, 1, 2]), np.array([1.0, 0.5, 0.25])) is None
