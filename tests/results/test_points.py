"""Points of runs against a merge of the two tables."""

import numpy as np
import pandas as pd
import pytest

from saddlebench.results.points import best_so_far, firsts, points


@pytest.fixture
def runs_and_trace(make):
    keys = [("a", "k0"), ("b", "k0"), ("c", "k1"), ("a", "k1")]
    runs = pd.DataFrame([make.run(*key) for key in keys])
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame(make.trace(*key, measure=measure, answer=answer, value=rng.normal(size=5), products=[0.5, 1, 2, 3, 4]))
        for key in [*keys, ("other", "k0")]
        for measure in ("distance", "gap")
        for answer in ("last", "average")
    ]
    return runs, pd.concat(frames, ignore_index=True).sample(frac=1, random_state=0, ignore_index=True)


@pytest.mark.parametrize("chosen", [[0, 1, 2, 3], [1, 2], [2, 0], []])
def test_points_are_those_of_a_merge(runs_and_trace, chosen):
    runs, trace = runs_and_trace
    some = runs.iloc[chosen]
    found = points(some, trace, "gap", "average")
    given = trace[(trace["measure"] == "gap") & (trace["answer"] == "average")]
    merged = given.merge(some[["cell", "context"]].assign(run=range(len(some))), on=["cell", "context"])
    merged = merged.assign(cost=merged["gradients"] + 2 * merged["products"]).sort_values(["run", "step"], ignore_index=True)
    pd.testing.assert_frame_equal(found, merged[found.columns], check_dtype=False)


def test_firsts_and_best_so_far_by_hand():
    table = pd.DataFrame({"run": [0, 0, 0, 2, 2], "value": [3.0, np.nan, 1.0, np.nan, 5.0]})
    assert firsts(table).tolist() == [0, 3]
    assert best_so_far(table).tolist() == [3, 3, 1, np.inf, 5]
    assert best_so_far(table, -1.0).tolist() == [-3, -3, -3, np.inf, -5]
