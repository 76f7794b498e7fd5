import json
import math

import pandas as pd
import pytest

from saddlebench.results.summary import newest, shown_columns, summarise

DEFAULTS = {
    "game": {"bilinear": {"matrix": None}},
    "optimizer": {
        "adam": {"step_size": 0.001, "betas": [0.9, 0.999]},
        "simultaneous": {"step_size": 0.1, "rule": {"gradient": {}}},
    },
    "rule": {"adam": {"betas": [0.9, 0.999]}},
}


def run(cell, **columns):
    row = {
        "cell": cell,
        "context": "here",
        "game": "bilinear",
        "game_parameters": json.dumps({"matrix": None}),
        "optimizer": "adam",
        "optimizer_parameters": json.dumps({"betas": [0.9, 0.999], "step_size": 0.001}),
        "budget": json.dumps({"steps": 100}),
        "dtype": "float64",
        "track": "defaults",
        "protocol": 1,
        "game_source": None,
        "optimizer_source": None,
        "status": "budget",
        "reason": None,
        "steps": 100,
        "cost": 100.0,
        "seconds": None,
        "start_distance": 1.0,
        "final_distance": 0.5,
        "final_gap": None,
        "final_measures": None,
        "measured_rate": 0.99,
        "spectral_radius": None,
        "spectrum_reason": None,
        "spectral_radius_transverse": None,
        "predicted_radius": None,
        "started_at": pd.Timestamp("2026-01-01", tz="UTC"),
    }
    return row | columns


def summary(*rows, defaults=DEFAULTS):
    return summarise(pd.DataFrame(list(rows)), defaults).to_dict("records")


def test_seeds_are_summed_up_as_counts_and_medians():
    (row,) = summary(
        run("a", status="converged", final_distance=1e-9, measured_rate=0.9),
        run("b", final_distance=0.25, measured_rate=0.8, seconds=2.0),
        run("c", final_distance=0.5, measured_rate=None),
    )
    assert (row["game"], row["optimizer"], row["n"], row["status"]) == ("bilinear", "adam", 3, "converged 1, budget 2")
    assert row["distance"] == 0.25
    assert row["rate"] == pytest.approx(0.85)
    assert row["seconds"] == 2.0


def test_a_run_that_diverged_is_infinitely_far():
    rows = [run("a", status="diverged", final_distance=None), run("b"), run("c", status="diverged", final_distance=math.inf)]
    assert summary(*rows)[0]["distance"] == math.inf
    assert math.isnan(summary(*rows)[0]["gap"])  # the game has none


def test_what_does_not_apply_adds_nothing_to_the_medians():
    (row,) = summary(run("a", status="not_applicable", reason="plays elsewhere", steps=0, cost=0.0, final_distance=None))
    assert (row["status"], row["reason"]) == ("not_applicable 1", "plays elsewhere")
    assert math.isnan(row["cost"])
    assert math.isnan(row["distance"])


def test_labels_name_what_is_no_default():
    rows = summary(
        run("a", optimizer_parameters=json.dumps({"betas": [0.5, 0.999], "step_size": 0.001})),
        run("b", game_parameters=json.dumps({"matrix": [[2.0, 1.0]]})),
        run("c", game_parameters=json.dumps({"matrix": [[0.123456789] * 9] * 9})),
        run(
            "d",
            optimizer="simultaneous",
            optimizer_parameters=json.dumps({"step_size": 0.1, "rule": {"adam": {"betas": [0.9, 0.999]}}}),
        ),
        run(
            "e",
            optimizer="simultaneous",
            optimizer_parameters=json.dumps({"step_size": 0.1, "rule": {"adam": {"betas": [0.5, 0.9]}}}),
        ),
        run("f", optimizer="simultaneous", optimizer_parameters=json.dumps({"step_size": 0.1, "rule": {"gradient": {}}})),
    )
    assert [row["optimizer"] for row in rows if row["game"] == "bilinear"] == [
        "adam(betas=[0.5,0.999])",
        "simultaneous(rule=adam)",
        "simultaneous(rule=adam(betas=[0.5,0.9]))",
        "simultaneous",
    ]
    assert rows[1]["game"] == "bilinear(matrix=[[2.0,1.0]])"
    assert rows[2]["game"].startswith("bilinear(matrix=[9×9 #")


def test_labels_of_unknown_names_name_what_varies():
    rows = summary(
        run("a", optimizer="mine", optimizer_parameters=json.dumps({"a": 1.0, "b": 2.0})),
        run("b", optimizer="mine", optimizer_parameters=json.dumps({"a": 1.0, "b": 3.0})),
    )
    assert [row["optimizer"] for row in rows] == ["mine(b=2.0)", "mine(b=3.0)"]


def test_budgets_are_rows_of_their_own_and_told_apart():
    rows = summary(run("a"), run("b", budget=json.dumps({"steps": 200})))
    assert [json.loads(row["budget"])["steps"] for row in rows] == [100, 200]
    assert "budget" not in summary(run("a"), run("b", game="quadratic", budget=json.dumps({"steps": 200})))[0]


def test_own_measures_with_a_better_direction_are_columns():
    (row,) = summary(
        run("a", final_measures=json.dumps({"modes_covered": 8.0, "mode_kl": 0.1})),
        run("b", final_measures=json.dumps({"modes_covered": 6.0})),
        run("c", final_measures=json.dumps({"modes_covered": 7.0})),
    )
    assert row["modes_covered"] == 7.0
    assert "mode_kl" not in row


def test_columns_that_say_nothing_are_not_shown():
    table = summarise(pd.DataFrame([run("a", spectral_radius=1.0, spectral_radius_transverse=0.9)]), DEFAULTS)
    assert shown_columns(table) == ["game", "optimizer", "n", "status", "steps", "distance", "rate", "radius", "cost"]
    assert "raw_radius" in table.columns


def test_the_newest_context_of_a_cell_is_taken():
    runs = pd.DataFrame(
        [
            run("a", context="new", started_at=pd.Timestamp("2026-02-01", tz="UTC")),
            run("b"),
            run("a", context="old"),
        ]
    )
    assert list(zip(newest(runs)["cell"], newest(runs)["context"], strict=True)) == [("a", "new"), ("b", "here")]


def test_tracks_are_told_apart_where_there_are_both():
    tuned = run("b", track="tuned", optimizer_parameters=json.dumps({"betas": [0.9, 0.999], "step_size": 0.5}))
    assert [row["track"] for row in summary(run("a"), tuned)] == ["defaults", "tuned"]
    frame = summarise(pd.DataFrame([run("a"), tuned]), DEFAULTS)
    assert list(frame.columns[:4]) == ["game", "optimizer", "track", "n"]
    assert "track" in shown_columns(frame)
    assert "track" not in summary(run("a"), run("b"))[0]
    assert len(summary(run("a"), run("b", track="tuned"))) == 2  # the same numbers, found in two ways
