"""Scores of trials from traces written by hand."""

import math

import pandas as pd
import pytest

from saddlebench.bench.build import build
from saddlebench.bench.tuning.objective import Objective, objective_of, scores
from saddlebench.bench.tuning.study import ranked
from saddlebench.errors import InputError

DISTANCE = Objective("distance", "lower")
MODES = Objective("modes_covered", "higher")


def trace(**curves):
    """cell=[values at steps 0, 1, …] of the distance; a cell of modes: {"modes_covered": [...], …}."""
    rows = [
        {
            "cell": cell,
            "context": "here",
            "step": k,
            "gradients": 2.0 * k,
            "products": 0.0,
            "answer": "last",
            "measure": m,
            "value": v,
        }
        for cell, given in curves.items()
        for m, values in (given if isinstance(given, dict) else {"distance": given}).items()
        for k, v in enumerate(values)
    ]
    return pd.DataFrame(rows)


def judged(objective, cells, lost=(), **curves):
    return scores(objective, trace(**curves), cells, set(lost))


def test_the_score_is_the_median_fraction_of_the_start():
    (score,) = judged(DISTANCE, [["a", "b", "c"]], a=[10, 1], b=[1, 1e-3], c=[1, 0.5])
    assert score.value == pytest.approx(0.1)
    assert score.order[0] == pytest.approx(-1)


def test_a_lost_run_is_infinitely_far_and_never_imputed():
    curves = {"a": [1, 0.5], "b": [1, 1e-9], "c": [1, 0.7], "d": [1, 0], "e": [1, 0], "f": [1, 0]}
    one, two = judged(DISTANCE, [["a", "b", "c"], ["d", "e", "f"]], "bef", **curves)
    assert (one.value, one.censored) == (pytest.approx(0.7), False)
    assert (two.value, two.censored) == (math.inf, True)


def test_a_run_without_a_value_or_without_rows_is_lost():
    one, two = judged(DISTANCE, [["a"], ["missing"]], a=[1, math.nan])
    assert one.censored
    assert two.censored


def test_below_rounding_the_cheaper_trial_wins():
    slow, quick = [1, 1e-2, 1e-4, 1e-7, 1e-15], [1, 1e-7, 1e-7, 1e-8, 1e-13]
    found = judged(DISTANCE, [["slow"], ["quick"]], slow=slow, quick=quick)
    assert [score.cost for score in found] == [6, 2]
    assert ranked(found) == [1, 0]


def test_above_rounding_the_nearer_trial_wins_whatever_its_cost():
    found = judged(DISTANCE, [["near"], ["quick"]], near=[1, 1, 1e-9], quick=[1, 1e-7, 1e-8])
    assert ranked(found) == [0, 1]


def test_exact_arrival_is_no_error():
    (score,) = judged(DISTANCE, [["a"]], a=[1, 0.0])
    assert (score.value, score.cost) == (0, 2)


def test_more_modes_are_better_and_quality_breaks_ties():
    def gan(modes, quality):
        return {"modes_covered": [0, modes], "high_quality_fraction": [0, quality]}

    cells = [["few"], ["blurred"], ["sharp"], ["gone"]]
    found = judged(MODES, cells, few=gan(3, 1), blurred=gan(8, 0.2), sharp=gan(8, 0.9), gone={"modes_covered": [0, math.nan]})
    assert ranked(found) == [2, 1, 0, 3]
    assert [score.value for score in found] == [3, 8, 8, -math.inf]
    assert found[3].censored


def test_equal_trials_keep_their_order():
    assert ranked(judged(DISTANCE, [["a"], ["b"]], a=[1, 0.5], b=[1, 0.5])) == [0, 1]


@pytest.mark.parametrize(
    ("game", "measure"), [("bilinear", "distance"), ("matching-pennies", "distance"), ("gaussian-ring", "modes_covered")]
)
def test_a_game_is_judged_by_what_it_has(game, measure):
    assert objective_of(build("game", game), "auto", "last", 1e-6).measure == measure


def test_objectives_that_are_none_are_refused():
    game = build("game", "gaussian-ring")
    with pytest.raises(InputError, match="did you mean 'modes_covered'"):
        objective_of(game, "modes_coverd", "last", 1e-6)
    with pytest.raises(InputError, match="unknown objective 'mode_kl'"):  # watched, without a better direction
        objective_of(game, "mode_kl", "last", 1e-6)
    with pytest.raises(InputError, match="judged at the last iterate"):
        objective_of(game, "auto", "average", 1e-6)
