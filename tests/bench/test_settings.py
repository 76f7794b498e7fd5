"""Budgets, checkpoints and bad settings."""

from itertools import pairwise

import pytest

from saddlebench.bench.settings import Settings
from saddlebench.errors import InputError
from saddlebench.results.identity import canonical_json


def test_checkpoints_are_log_spaced_with_both_ends():
    steps = Settings(steps=1000, checkpoints=10).checkpoint_steps()
    assert steps[0] == 0
    assert steps[-1] == 1000
    assert steps == sorted(set(steps))
    assert 9 <= len(steps) <= 11
    ratios = [b / a for a, b in pairwise(steps[3:])]
    assert max(ratios) / min(ratios) < 1.3


def test_by_default_checkpoints_are_ten_a_decade():
    steps = Settings(steps=10_000).checkpoint_steps()
    assert [s for s in steps if 100 <= s < 1000] == [100, 126, 158, 200, 251, 316, 398, 501, 631, 794]


def test_given_checkpoints_are_kept_within_the_budget():
    assert Settings(steps=100, checkpoints=(1, 50, 500)).checkpoint_steps() == [0, 1, 50, 100]


def test_watched_steps_hold_all_checkpoints():
    settings = Settings(steps=10_000)
    assert set(settings.checkpoint_steps()) <= set(settings.watched_steps())
    assert max(b - a for a, b in pairwise(settings.watched_steps())) <= 50


def test_the_default_budget_is_the_games():
    assert Settings().budget(300).steps == 300
    assert Settings(steps=7).budget(300).steps == 7


def test_only_what_differs_from_the_defaults_is_identity():
    assert Settings().budget(300).identity() == {"steps": 300}
    assert Settings(steps=300, cycling=0.1).identity() == {"steps": 300, "cycling": 0.1}


def test_a_whole_number_is_the_same_budget_as_a_float():
    assert canonical_json(Settings.of(cost=100).identity()) == canonical_json(Settings.of(cost=100.0).identity())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"step": 3}, "did you mean 'steps'"),
        ({"steps": 0}, "positive"),
        ({"steps": 1.5}, "whole number"),
        ({"steps": True}, "whole number"),
        ({"cost": "many"}, "must be a number"),
        ({"checkpoints": []}, "must not be empty"),
        ({"checkpoints": 0}, "at least one"),
        ({"watched": 0}, "at least one"),
        ({"spectrum": ["equilibrum"]}, "did you mean 'equilibrium'"),
        ({"timing": 1}, "true or false"),
        ({"converged": float("nan")}, "must be a number"),
    ],
)
def test_bad_settings_are_one_clear_line(values, message):
    with pytest.raises(InputError, match=message) as error:
        Settings.of(**values)
    assert "\n" not in str(error.value)
