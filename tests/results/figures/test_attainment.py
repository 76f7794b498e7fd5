"""ECDF, profiles and fronts from small runs, against numbers by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from saddlebench.errors import InputError
from saddlebench.results.figures.attainment import cost_by_problem, ecdf_figure, profile_figure
from saddlebench.results.figures.pareto import pareto_front
from saddlebench.results.figures.truncation import truncation_figure
from saddlebench.results.schema import validate


@pytest.fixture
def tables(make):
    """Two optimizers on two seeds of one game, and one that does not apply to it."""
    rows = [
        make.run(f"{name}{seed}", optimizer=name, seed=seed, start_distance=1.0, final_distance=0.1)
        for name in ("fast", "slow")
        for seed in (0, 1)
    ]
    rows.append(make.run("none0", optimizer="none", status="not_applicable", reason="plays elsewhere"))
    curves = {"fast": [1.0, 1e-7, 1e-7], "slow": [1.0, 0.5, 1e-3]}
    trace = [pd.DataFrame(make.trace(f"{n}{s}", length=3, value=v)) for n, v in curves.items() for s in (0, 1)]
    return validate("runs", pd.DataFrame(rows)), validate("trace", pd.concat(trace, ignore_index=True))


def test_cost_by_problem_has_a_row_a_target_of_a_game_and_seed(tables):
    costs = cost_by_problem(*tables, {})
    assert costs.shape == (2 * 50, 2)
    assert (costs["fast"] == 2).all()  # one step of two gradients
    levels = 10 ** (-6 * np.arange(1, 51) / 50)
    expected = np.where(levels >= 0.5, 2, np.where(levels >= 1e-3 * (1 - 1e-9), 4, math.inf))
    assert sorted(costs["slow"]) == sorted(np.tile(expected, 2))


def test_a_seed_played_twice_is_refused(tables):
    runs, trace = tables
    with pytest.raises(InputError, match="several runs of bilinear, seed 0"):
        cost_by_problem(runs.assign(seed=0), trace, {})


def test_figures_name_every_optimizer_and_are_the_same_file_twice(tables, tmp_path):
    costs = cost_by_problem(*tables, {})
    texts = [ecdf_figure(costs, tmp_path / f"e{k}.svg").read_text() for k in range(2)]
    texts += [profile_figure(costs, tmp_path / f"p{k}.svg", "fast").read_text() for k in range(2)]
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    assert all(f">{name}<" in text for name in ("fast", "slow") for text in texts)
    with pytest.raises(InputError, match="did you mean 'fast'"):
        profile_figure(costs, tmp_path / "x.svg", "fasst")
    assert not (tmp_path / "x.svg").exists()


def test_the_front_by_hand_and_by_brute_force():
    assert pareto_front([1, 2, 3, 3], [5, 3, 4, 3]).tolist() == [True, True, False, False]
    assert pareto_front([1, 1, math.inf], [2, 2, 0]).tolist() == [True, True, False]
    s, v = np.random.default_rng(0).integers(0, 9, (2, 60))
    pairs = list(zip(s, v, strict=True))
    brute = [not any((a <= x and b < y) or (a < x and b <= y) for a, b in pairs) for x, y in pairs]
    assert pareto_front(s, v).tolist() == brute


def test_truncation_curves_name_their_ends(tmp_path):
    curves = {"baseline": {math.inf: (5.0, 9.0), 0.5: (9.0, 7.0), 1.0: (7.0, 6.0)}, "lost": {1.0: (math.nan, 3.0)}}
    text = truncation_figure(curves, tmp_path / "t.svg", "inception_score", "fid").read_text()
    assert all(part in text for part in (">∞<", ">0.5<", ">baseline<", ">inception score<"))
    assert ">1<" not in text
    with pytest.raises(InputError, match="inception_score and kid are finite at fewer than two"):
        truncation_figure({"lost": curves["lost"]}, tmp_path / "no.svg", "inception_score", "kid")
