"""What the page says, against numbers worked out by hand."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from saddlebench.results.points import positions
from saddlebench.results.report import content as contents
from saddlebench.results.report import pictures as picturing
from saddlebench.results.report.board import spent_until
from saddlebench.results.report.content import content
from saddlebench.results.report.curves import curves
from saddlebench.results.report.page import embedded, page
from saddlebench.results.store import Store, read


def rows(values, game=0):
    return {row["optimizer"]: row for row in values["games"][game]["rows"]}


def only(found):
    """The one line, and the points it was allowed."""
    (line,), allowed = found
    assert line is not None
    return line, allowed


def test_success_stands_with_wilson_s_interval(values):
    z, n, p = 1.959963984540054, 4, 0.75
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    row = rows(values)["extragradient"]
    assert row["interval"] == pytest.approx([(centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)])


def test_average_runtime_is_all_cost_over_successes(values):
    board = rows(values)
    # 0.3^k ≤ 1e-6 first at k = 12; 0.5^k at 20, and the seed that did not converge spent its 20 too.
    assert board["extragradient(step_size=0.2)"]["values"]["runtime"] == 12
    assert board["extragradient"]["values"]["runtime"] == pytest.approx(4 * 20 / 3)
    assert board["adam"]["values"]["runtime"] == math.inf
    assert [row["ok"] for row in board.values()] == [4, 3, 0]  # the order of the page


def test_tracks_stand_apart(values):
    assert [(row["track"], row["n"]) for row in rows(values).values()] == [("tuned", 4), ("defaults", 4), ("defaults", 4)]


def test_the_distance_decides_where_there_is_a_gap_too(make):
    runs = pd.DataFrame([make.run(cost=90.0, budget='{"steps":4}')])
    trace = pd.concat(
        [pd.DataFrame(make.trace(measure=m, value=v)) for m, v in (("gap", [1, 0, 0, 0, 0]), ("distance", [1, 1, 1, 0, 0]))]
    )
    assert spent_until(runs, trace, positions(runs, trace)).tolist() == [6.0]


def test_a_curve_counts_lost_runs_as_infinitely_far(make):
    """Three runs, one lost after step 2: the median is of all three, and the upper quartile ends there."""
    values = {"a": [1, 2, 3, 4, 5], "b": [2, 3, 4, 5, 6], "c": [3, 30, 300]}
    runs = pd.DataFrame([make.run(cell, status="diverged" if cell == "c" else "budget") for cell in values])
    trace = pd.concat([pd.DataFrame(make.trace(cell, length=len(v), value=[float(x) for x in v])) for cell, v in values.items()])
    line, _ = only(curves([np.arange(3)], runs, trace, positions(runs, trace), 1000))
    median, low, high = line["measures"]["distance"]
    assert median == [2, 3, 4, 5, 6]
    assert low == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert high == [2.5, 16.5, 152, None, None]
    assert line["cost"] == [0, 2, 4, 6, 8]


def test_a_curve_leaves_out_the_last_checkpoint_of_one_run(make):
    runs = pd.DataFrame([make.run("a"), make.run("b", status="diverged")])
    trace = pd.concat([pd.DataFrame(make.trace("a")), pd.DataFrame({**make.trace("b", length=3), "step": [0, 1, 7]})])
    trace.loc[(trace["cell"] == "a") & (trace["step"] > 1), "step"] += 10
    line, _ = only(curves([np.arange(2)], runs, trace, positions(runs, trace), 1000))
    assert line["step"] == [0, 1, 12, 13, 14]


def test_a_long_trace_is_thinned_with_both_ends(make):
    runs = pd.DataFrame([make.run()])
    trace = pd.DataFrame(make.trace(length=5000, value=[1.0] * 5000))
    line, allowed = only(curves([np.arange(1)], runs, trace, positions(runs, trace), 10**6))
    assert (allowed, len(line["step"]), line["step"][0], line["step"][-1]) == (200, 200, 0, 4999)
    line, allowed = only(curves([np.arange(1)], runs, trace, positions(runs, trace), 90))
    assert (allowed, len(line["step"])) == (30, 30)


def test_spectra_hold_every_eigenvalue_once(values):
    (spectrum,) = rows(values)["extragradient"]["spectra"]  # of four seeds that share it
    assert spectrum == {
        "operator": "step",
        "point": "equilibrium",
        "values": [[0.9, 0.1, 0, [0.5, 0.5]], [0.9, -0.1, 0, [0.25, 0.75]]],
    }


def test_failures_are_counted_with_their_reasons(values, hostile):
    told = [(f["status"], f["optimizer"], f["runs"], f["reason"]) for f in values["failures"]]
    assert told == [
        ("error", hostile, 4, hostile),
        ("diverged", "adam", 4, "lost by step 20"),
        ("not_applicable", "newton", 4, "no Hessian"),
    ]
    assert values["statuses"] == {"converged": 7, "diverged": 4, "completed": 4, "budget": 1, "error": 4, "not_applicable": 4}
    assert "newton" not in rows(values)


def test_convergence_to_no_solution_is_no_success(make, tmp_path):
    with Store(tmp_path / "r") as store:
        store.append(runs=[make.run(f"c{k}", seed=k, reason="drawn to a point" if k else None) for k in range(3)])
    found = content(read(tmp_path / "r"), tmp_path, "t", {}, "now", "1")
    (row,) = found["games"][0]["rows"]
    assert (row["ok"], row["n"], row["deceived"]) == (1, 3, 2)
    assert [(f["status"], f["runs"], f["reason"]) for f in found["failures"]] == [("no solution", 2, "drawn to a point")]


def test_image_measures_bring_floor_counts_and_extractor(values):
    judging = values["games"][2]["judging"]
    assert judging["extractors"] == ["abc123"]
    assert judging["beside"] == {
        "fd_lenet_floor": [0.25],
        "fd_lenet_n_fake": [1000],
        "fd_lenet_n_real": [5000],
        "fd_lenet_uniform_noise": [90],
    }
    assert [column["name"] for column in values["games"][2]["columns"]] == ["steps", "fd_lenet", "cost"]


def test_what_is_left_out_is_said(folder, monkeypatch):
    monkeypatch.setattr(contents, "MOST_ROWS", 4)
    monkeypatch.setattr(contents, "MOST_GAMES", 2)
    monkeypatch.setattr(contents, "MOST_CURVE_NUMBERS", 1)
    monkeypatch.setattr(contents, "MOST_EIGENVALUES", 3)
    monkeypatch.setattr(picturing, "MOST_BYTES", 1)
    found = content(read(folder), folder, "t", {}, "now", "1")
    assert [len(game["rows"]) for game in found["games"]] == [2, 1]
    assert [
        text
        for text in found["notes"]
        if re.match(r"1 of 3 games|1 rows of leaderboards|\d+ rows have no curve|1 eigenvalues", text)
    ] == found["notes"][:4]


def test_embedded_values_cannot_leave_their_block_and_come_back(values, hostile):
    text = embedded({"a": hostile, "b": [math.nan, math.inf, 0.1, 3.0, -0.0, 1.0198039027], "c": None, "d": True})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"a": hostile, "b": [None, math.inf, 0.1, 3, 0, 1.0198039], "c": None, "d": True}
    whole = page(values)
    assert whole.count("<script") == whole.count("</script") == 2
    assert len(re.findall(r"https?://(?!www\.w3\.org/2000/svg)", whole)) == 0


def test_many_runs_make_a_page_of_bounded_size(make, tmp_path):
    runs = [
        make.run(f"{o:08x}{s:08x}", seed=s, optimizer_parameters={"step_size": o / 1000}, status="budget")
        for o in range(600)
        for s in range(3)
    ]
    steps = np.arange(100)
    trace = pd.concat(
        [
            pd.DataFrame(make.trace(run["cell"], length=100, value=0.9**steps, gradients=2.0 * steps, seconds=steps * 0.1))
            for run in runs[:900]
        ]
    )
    with Store(tmp_path / "r") as store:
        store.append(runs=runs, trace=trace)
    found = content(read(tmp_path / "r"), tmp_path, "t", {}, "now", "1")
    assert found["points"] == 200
    assert len(page(found)) < 4_000_000
