"""Tables of runs made here, whose statistics are known by hand."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from saddlebench.errors import InputError
from saddlebench.results.measured import measured
from saddlebench.results.schema import validate
from saddlebench.results.selecting import chosen, names_of
from saddlebench.results.statistics import wilson
from saddlebench.results.tables import tabulate

INF = math.inf


@pytest.fixture
def frame(make):
    """A maker of the table runs: ``frame([(optimizer, seed, distance, changes), …])``."""

    def build(*rows):
        made = []
        for k, (optimizer, seed, distance, changes) in enumerate(rows):
            given = {"optimizer": optimizer, "seed": seed, "final_distance": distance, "start_distance": 1.0, "status": "budget"}
            made.append(make.run(f"c{k}", **(given | changes)))
        return validate("runs", pd.DataFrame(made))

    return build


def seeds(optimizer, *distances, **changes):
    return [(optimizer, seed, value, changes) for seed, value in enumerate(distances)]


def test_statistics_by_hand(frame):
    runs = frame(*seeds("a", 1.0, 2.0, 4.0, 9.0, 100.0), *seeds("b", 3.0, 5.0))
    found = {name: tabulate(runs, statistic=name).entries["a", "bilinear"] for name in ("median", "mean", "iqm")}
    assert {name: entry.value for name, entry in found.items()} == {"median": 4, "mean": 23.2, "iqm": 5}
    assert all(entry.low <= entry.value <= entry.high and entry.n == 5 for entry in found.values())
    two = tabulate(runs).entries["b", "bilinear"]
    assert (two.value, two.n, math.isnan(two.low)) == (4, 2, True)  # two runs tell no interval


def test_the_best_is_marked_only_where_its_interval_separates(frame):
    apart = frame(*seeds("a", *np.linspace(1, 2, 9)), *seeds("b", *np.linspace(5, 6, 9)))
    close = frame(*seeds("a", *np.linspace(1, 9, 9)), *seeds("b", *np.linspace(1.2, 9, 9)))
    few = frame(*seeds("a", 1.0, 1.1, 1.2), *seeds("b", 50.0, 60.0, 70.0))
    marks = [{key[0] for key, entry in tabulate(runs).entries.items() if entry.best} for runs in (apart, close, few)]
    assert marks == [{"a"}, set(), set()]
    one_column = tabulate(apart, rows="game", columns="optimizer")
    assert [key for key, entry in one_column.entries.items() if entry.best] == [("bilinear", "a")]
    assert not any(entry.best for entry in tabulate(apart, measure="steps", columns="seed").entries.values())  # no direction


def test_what_is_lost_is_infinite_and_what_does_not_apply_is_left_out(frame):
    runs = frame(
        *seeds("a", 1.0, 2.0),
        ("a", 2, 1e7, {"status": "diverged"}),
        ("a", 3, None, {"status": "error", "reason": "it broke"}),
        ("a", 4, None, {"status": "timeout"}),
        ("b", 0, None, {"status": "not_applicable", "reason": "plays elsewhere", "steps": 0, "start_distance": None}),
    )
    table = tabulate(runs)
    assert (table.entries["a", "bilinear"].value, table.entries["a", "bilinear"].n) == (INF, 5)
    assert (table.entries["b", "bilinear"].n, table.entries["b", "bilinear"].reason) == (0, "plays elsewhere")
    assert "∞: the run diverged, failed or timed out" in table.notes
    assert tabulate(runs, measure="cost").entries["a", "bilinear"].value == 206  # a description, no outcome
    without = tabulate(runs, measure="final_gap").entries["a", "bilinear"]
    assert (without.n, without.reason) == (0, "no number")  # the game has no gap: nothing is lost


def test_measures_of_the_game_improve_their_own_way(frame):
    given = [json.dumps({"modes_covered": float(k)}) for k in range(1, 9)]
    rows = [("a", k, None, {"final_measures": text, "best_measures": '{"modes_covered": 8.0}'}) for k, text in enumerate(given)]
    runs = frame(*rows, ("a", 8, None, {"status": "diverged"}), ("a", 9, None, {"status": "diverged"}))
    values = measured(runs, "modes_covered")
    assert (values.better, list(values.values[-2:])) == ("higher", [-INF, -INF])
    entry = tabulate(runs, measure="modes_covered").entries["a", "bilinear"]
    assert entry.value == 3.5
    assert entry.low <= 3.5 <= entry.high
    assert set(measured(runs, "best_modes_covered").values[:8]) == {8}
    with pytest.raises(InputError, match="did you mean 'modes_covered'"):
        measured(runs, "modes_coverd")


def curves(make, values):
    return pd.concat([pd.DataFrame(make.trace(cell, value=v)) for cell, v in values.items()], ignore_index=True)


def test_success_and_average_runtime_of_a_target(frame, make):
    runs = frame(*seeds("a", *[0.1] * 6), *seeds("b", *[0.1] * 6))
    runs["cost"] = runs["gradients"] = 8.0
    fast, slow, never = [1.0, 0.01, 0.01, 0.01, 0.01], [1.0, 1.0, 1.0, 0.01, 0.01], [1.0] * 5  # at costs 2, 6, never (8)
    trace = curves(make, {**{f"c{k}": fast for k in range(6)}, "c6": slow, "c7": fast, **{f"c{k}": never for k in range(8, 12)}})
    success = tabulate(runs, trace, statistic="success", target=0.05)
    entry = success.entries["b", "bilinear"]
    assert (entry.value, entry.low, entry.high) == wilson(2, 6)
    ert = tabulate(runs, trace, statistic="ert", target=0.05)
    assert [ert.entries[name, "bilinear"].value for name in "ab"] == [2, (6 + 2 + 4 * 8) / 2]
    assert ert.entries["a", "bilinear"].best
    steps = tabulate(runs, trace, measure="steps_to", target=0.05)
    assert [steps.entries[name, "bilinear"].value for name in "ab"] == [1, INF]
    hardest = tabulate(runs, trace, statistic="ert")  # a millionth of the start
    assert hardest.entries["a", "bilinear"].value == INF
    with pytest.raises(InputError, match="cost_to or steps_to"):
        tabulate(runs, trace, statistic="ert", measure="final_distance")
    with pytest.raises(InputError, match="trace"):
        tabulate(runs, statistic="ert")


def test_ranks_compete_on_a_game_and_seed(frame):
    runs = frame(*seeds("a", 1.0, 1.0, INF), *seeds("b", 2.0, 1.0, INF), *seeds("c", 3.0, 0.5))
    entries = tabulate(runs, statistic="rank").entries
    assert [entries[name, "bilinear"].value for name in "abc"] == pytest.approx([5 / 3, 2, 2])
    doubled = frame(*seeds("a", 1.0, 2.0), *seeds("a", 3.0, optimizer_parameters={"step_size": 0.5}))
    assert tabulate(doubled, statistic="rank").entries  # two settings are two competitors
    with pytest.raises(InputError, match="several"):
        tabulate(doubled, rows="track", statistic="rank")


def test_rows_and_columns_are_parameters_too(frame):
    cells = [
        ("a", 0, eta * 10, {"optimizer_parameters": {"step_size": eta, "rule": {"adam": {"betas": [0.5, b]}}}})
        for eta in (0.1, 0.2)
        for b in (0.9, 0.99)
    ]
    runs = frame(*cells)
    table = tabulate(runs, rows="optimizer.step_size", columns="optimizer.rule.adam.betas")
    assert (table.rows, table.columns) == (["0.1", "0.2"], ["[0.5,0.9]", "[0.5,0.99]"])
    assert table.entries["0.2", "[0.5,0.9]"].value == 2
    assert tabulate(runs, rows="all", columns="all").entries["all", "all"].n == 4
    for name, message in [("optimizer.step_sise", "did you mean 'optimizer.step_size'"), ("optimiser", "did you mean 'optimizer'")]:
        with pytest.raises(InputError, match=message):
            names_of(runs, name)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["optimizer=a"], "aa"),
        (["optimizer=*"], "aabc"),
        (["optimizer!=a"], "bc"),
        (["optimizer=b,c"], "bc"),
        (["optimizer.step_size=1e-1", "seed=0"], "a"),
        (["optimizer.step_size=(none)"], "c"),
        (["game=bilinear"], "aabc"),
    ],
)
def test_filters(frame, given, kept):
    other, none = {"optimizer_parameters": {"step_size": 0.2}}, {"optimizer_parameters": {}}
    runs = frame(*seeds("a", 1.0, 2.0), *seeds("b", 3.0, **other), *seeds("c", 4.0, **none))
    assert "".join(chosen(runs, given)["optimizer"]) == kept


@pytest.mark.parametrize("given", ["optimizer", "=a", "optimizer=", "optimizer=aa", "optimiser=a", "optimizer!=*"])
def test_filters_that_are_none(frame, given):
    with pytest.raises(InputError):
        chosen(frame(*seeds("a", 1.0)), [given])


def test_the_same_table_comes_out_twice_the_same(frame):
    runs = frame(*seeds("a", *np.linspace(1, 2, 9)))
    assert tabulate(runs) == tabulate(runs)
