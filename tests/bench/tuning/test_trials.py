"""Trials: quasi-random, repeatable, extendable, and free only where the user left them free."""

import numpy as np

from saddlebench.bench.build import build
from saddlebench.bench.tuning.trials import searched, trials
from saddlebench.optimizers.search import contains, space_of


def drawn(count, name="heavy-ball", **given):
    optimizer = build("optimizer", {name: given})
    return trials(optimizer, searched(optimizer, given), count)


def test_the_same_request_draws_the_same_trials():
    assert drawn(20) == drawn(20)
    assert len(set(drawn(20))) == 20


def test_more_trials_begin_with_the_fewer_ones():
    assert drawn(50)[:7] == drawn(7)
    assert drawn(1) == drawn(2)[:1]


def test_no_global_random_state_is_touched():
    np.random.seed(0)  # noqa: NPY002 - the global state itself is what is watched
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    drawn(10)
    assert np.random.random() == expected  # noqa: NPY002


def test_trials_fill_each_range_evenly():
    """Of the first 2^m points of a Sobol sequence each of 2^m equal intervals of every axis holds one."""
    found = drawn(16)
    for values, low, high in (
        (np.log10([t.step_size for t in found]), -4, 0),
        (np.array([t.momentum for t in found]), -0.9, 0.9),
    ):
        assert sorted(np.floor((values - low) / (high - low) * 16)) == list(range(16))


def test_every_trial_lies_in_the_space():
    for name in ("two-time-scale", "optimistic-adam", "halpern"):
        optimizer = build("optimizer", name)
        for trial in drawn(32, name):
            for path, spec in space_of(optimizer).items():
                value = trial
                for part in path:
                    value = getattr(value, part)
                assert contains(spec, value)


def test_what_is_given_is_not_searched():
    assert {t.momentum for t in drawn(8, momentum=-0.3)} == {-0.3}
    assert len({t.step_size for t in drawn(8, momentum=-0.3)}) == 8


def test_a_part_that_is_given_is_searched_but_for_what_is_given_within_it():
    given = {"rule": {"adam": {"betas": [0.5, 0.9]}}}
    assert set(searched(build("optimizer", {"extragradient": given}), given)) == {("step_size",)}
    for free in ({"rule": "adam"}, {"rule": {"adam": {}}}, {"rule": {"adam": None}}):
        assert set(searched(build("optimizer", {"extragradient": free}), free)) == {("step_size",), ("rule", "betas")}
