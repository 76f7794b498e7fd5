"""Maps against closed forms, single measurements and single runs."""

import numpy as np
import pytest

import saddlebench
from saddlebench.bench import stability_map as module
from saddlebench.bench.axes import Axis, grid, placed
from saddlebench.bench.best_point import best_on_grid, refined
from saddlebench.bench.build import build, parameters_of
from saddlebench.errors import InputError
from saddlebench.results.theory import predicted_radius

STEPS = np.linspace(0.05, 1.9, 9)
MOMENTA = np.linspace(-0.9, 0.8, 8)
MATRIX = {"bilinear": {"matrix": [[1.0, 0.2], [0.0, 0.7]]}}
TWO = {
    "alternating-gradient": ({"step_size": [0.1, 0.1]}, "step_size.0", "step_size.1", STEPS),
    "heavy-ball": ({}, "step_size", "momentum", MOMENTA),
    "alternating-heavy-ball": ({}, "step_size", "momentum", MOMENTA),
    "nesterov": ({}, "step_size", "momentum", MOMENTA),
    "extragradient": ({}, "step_size", "extrapolation_step", STEPS),
    "optimistic-gradient": ({}, "step_size", "optimism", STEPS),
    "consensus": ({}, "step_size", "gamma", STEPS),
    "lookahead-minmax": ({"inner_steps": 3}, "base.step_size", "alpha", np.linspace(0.1, 1, 7)),
}


@pytest.mark.parametrize("game", ["bilinear", MATRIX, "quadratic"], ids=["bilinear", "matrix", "quadratic"])
@pytest.mark.parametrize("name", TWO)
def test_every_radius_is_the_closed_form(name, game):
    given, x, y, values = TWO[name]
    frame = saddlebench.stability_map(game, {name: given}, {x: STEPS}, {y: values}, steps=5)
    base, played = build("optimizer", {name: given}), build("game", game)
    assert len(frame) == len(STEPS) * len(values)
    assert frame[x].tolist() == [*STEPS] * len(values)  # x runs fastest
    for row in frame.to_dict("records"):
        at = parameters_of(placed(placed(base, x, row[x]), y, row[y]))
        expected = predicted_radius(played.name, parameters_of(played), name, at)
        # At a double root rounding of 1e-16 moves the roots by 1e-8: both sides are that uncertain there.
        assert row["radius"] == pytest.approx(expected, abs=5e-8)
        assert row["rate"] == pytest.approx(row["radius"] ** (1 / row["period"]))


@pytest.mark.parametrize("name", ["alternating-heavy-ball", "extragradient", "optimistic-gradient"])
def test_verdicts_agree_with_radii_away_from_one(name):
    given, x, y, values = TWO[name]
    frame = saddlebench.stability_map("bilinear", {name: given}, {x: STEPS}, {y: values}, steps=600)
    slow, fast = frame["rate"] < 0.96, frame["rate"] > 1.04
    assert slow.sum() > 3
    assert fast.sum() > 3
    assert set(frame["status"][slow]) == {"converged"}
    assert set(frame["status"][fast]) == {"diverged"}
    assert np.isfinite(frame["steps_to_tolerance"][slow]).all()
    assert np.isinf(frame["steps_to_tolerance"][fast]).all()


@pytest.mark.parametrize(("name", "budget"), [("extragradient", 300), ("adam", 120), ("alternating-gradient", 600)])
def test_every_point_is_what_a_single_run_comes_to(name, budget):
    values = [0.02, 0.3, 0.7, 0.9, 1.4]
    frame = saddlebench.stability_map("bilinear", name, {"step_size": values}, steps=budget, seed=4, tolerance=1e-3)
    optimizers = {name: {"step_size": {"sweep": values}}}
    runs = saddlebench.run("bilinear", optimizers, [4], budget, converged=1e-3).runs
    assert frame["status"].tolist() == runs["status"].tolist()
    assert frame["final_distance"].tolist() == pytest.approx(runs["final_distance"].tolist(), rel=1e-9)
    every = saddlebench.run("bilinear", optimizers, [4], budget, checkpoints=list(range(budget + 1)))
    for cell, steps in zip(every.runs["cell"], frame["steps_to_tolerance"], strict=True):
        trace = every.trace.query(f"cell == {cell!r} and answer == 'last' and measure == 'distance'")
        met = trace["step"][trace["value"] <= 1e-3 * trace["value"].iloc[0]]
        assert steps == (met.iloc[0] if len(met) else np.inf)


def test_programs_are_bounded_and_the_bound_changes_nothing(monkeypatch):
    given = ("bilinear", "heavy-ball", {"step_size": STEPS}, {"momentum": MOMENTA}, 50)
    whole = saddlebench.stability_map(*given)
    monkeypatch.setattr(module, "_RECORDED", 7 * 51)
    assert saddlebench.stability_map(*given).equals(whole)


def test_a_method_without_a_spectrum_has_verdicts_and_a_reason():
    frame = saddlebench.stability_map("bilinear", "adam", {"step_size": [0.01, 0.1]}, {"betas.0": [0.0, 0.5, 0.9]}, steps=100)
    assert frame["radius"].isna().all()
    assert frame["reason"].nunique() == 1
    assert "divides by √s" in frame["reason"][0]
    assert set(frame["status"]) <= {"budget", "cycling", "converged", "diverged"}
    assert refined("bilinear", "adam", frame) is None
    assert best_on_grid(frame)["final_distance"] == frame["final_distance"].min()


def test_whole_numbers_make_an_axis():
    frame = saddlebench.stability_map(
        "bilinear", "lookahead-minmax", {"base.step_size": [0.1, 0.3]}, {"inner_steps": [2, 3, 4]}, steps=20
    )
    assert frame["period"].tolist() == [2, 2, 3, 3, 4, 4]
    with pytest.raises(InputError, match=r"takes whole numbers, and 2.5 is none"):
        saddlebench.stability_map("bilinear", "lookahead-minmax", {"inner_steps": [2, 2.5]})


def test_a_game_with_null_directions_is_judged_without_them():
    game = {"bilinear": {"matrix": [[1.0, 0.0]]}}
    frame = saddlebench.stability_map(game, "extragradient", {"step_size": [0.3, 0.7]}, steps=800)
    assert frame["raw_radius"].tolist() == pytest.approx([1, 1])
    assert (frame["radius"] < 0.97).all()
    assert set(frame["status"]) == {"converged"}


@pytest.mark.parametrize(
    ("game", "optimizer", "x", "y", "message"),
    [
        ("bilinear", "extragradient", {"step_sise": [0.1, 0.2]}, None, "did you mean 'step_size'"),
        ("bilinear", "lookahead-minmax", {"base.step_sise": [0.1, 0.2]}, None, "did you mean 'step_size'"),
        ("bilinear", "extragradient", {"step_size": [0.1, -0.2]}, None, "rising"),
        ("bilinear", "extragradient", {"step_size": [-0.2, 0.1]}, None, "greater than 0"),
        ("bilinear", "extragradient", {"step_size": ["a"]}, None, "rising numbers"),
        ("bilinear", "extragradient", {"step_size": [0.1]}, {"step_size": [0.1]}, "on both axes"),
        ("bilinear", "extragradient", {"fresh_sample": [0, 1]}, None, "no number"),
        ("bilinear", "extragradient", {"rule": [0, 1]}, None, "no number"),
        ("bilinear", "extragradient", {"step_size.0": [0.1, 0.2]}, None, "no part"),
        ("bilinear", "adam", {"betas.2": [0.1, 0.2]}, None, "has no number 2"),
        ("bilinear", "extragradient", {"rule.momentum.momentum": [0.1]}, None, "optimizer.rule=momentum"),
        ("bilinear", {"extragradient": {"step_size": [0.1, 0.1, 0.1]}}, {"step_size.0": [0.1]}, None, "2 players"),
        ("bilinear", "multiplicative-weights", {"step_size": [0.1]}, None, "simplex"),
        ("gaussian-ring", "extragradient", {"step_size": [0.1]}, None, "nothing to judge"),
        ("bilinear", "extragradient", [0.1], None, "one parameter with its values"),
    ],
)
def test_bad_input_is_one_line(game, optimizer, x, y, message):
    with pytest.raises(InputError, match=message) as said:
        saddlebench.stability_map(game, optimizer, x, y)
    assert "\n" not in str(said.value)


def test_names_reach_into_parts():
    base = build("optimizer", {"alternating-gradient": {"rule": {"momentum": {"momentum": 0.1}}}})
    for name in ("rule.momentum", "rule.momentum.momentum"):
        assert [one.rule.momentum for one in grid(base, [Axis(name, (0.2, 0.3))])] == [0.2, 0.3]
    assert [one.betas for one in grid(build("optimizer", "adam"), [Axis("betas.1", (0.5,))])] == [(0.9, 0.5)]


def test_refinement_comes_to_the_optimum_of_theory():
    axes = ({"step_size": np.linspace(0.2, 2, 12)}, {"momentum": np.linspace(-0.5, 0.3, 12)})
    frame = saddlebench.stability_map("bilinear", "alternating-heavy-ball", *axes, steps=5)
    found = refined("bilinear", "alternating-heavy-ball", frame)
    assert found is not None
    assert found.rate < best_on_grid(frame)["rate"] - 0.02
    assert found.radius == pytest.approx(2 * np.sqrt(3) - 3, abs=1e-3)
    assert found.values == pytest.approx({"step_size": 1.81667, "momentum": -(7 - 4 * np.sqrt(3))}, abs=1e-2)
