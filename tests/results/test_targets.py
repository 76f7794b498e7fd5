"""Targets as pinned, and the cost to reach them against closed forms and brute force."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import saddlebench
from saddlebench.bench.cli.defaults import catalogue_defaults
from saddlebench.bench.suites.load import find
from saddlebench.errors import InputError
from saddlebench.results.baselines import measured, pin, stated
from saddlebench.results.identity import canonical_json
from saddlebench.results.schema import measure_direction
from saddlebench.results.store import Store
from saddlebench.results.targets import (
    ANY,
    COLUMNS,
    FILE,
    Targets,
    changed_parameters,
    first_reached,
    pinned_measures,
    read_targets,
    targets,
    time_to_targets,
)


def test_the_file_is_well_formed():
    table = read_targets()
    assert (table["direction"] == table["measure"].map(measure_direction)).all()
    assert {canonical_json(json.loads(text)) for text in table["game_parameters"] if text != ANY} <= set(table["game_parameters"])
    measured = table[table["game"] != ANY]
    assert (measured[["source", "commit", "command"]] != "").all(axis=None)
    assert measured["commit"].str.fullmatch("[0-9a-f]{40}").all()


def test_the_file_holds_the_stated_levels():
    shown = read_targets().to_dict("records")
    assert [row for row in shown if row["game"] == ANY] == stated()


@pytest.mark.parametrize("measure", ["distance", "gap"])
def test_analytic_games_have_fifty_log_spaced_levels(measure):
    found = targets("bilinear", measure)
    assert (found.direction, found.relative, len(found.levels)) == ("lower", True, 50)
    np.testing.assert_allclose(np.log10(found.levels), -6 * np.arange(1, 51) / 50, atol=1e-9)


def test_the_settings_of_the_ring_suite_have_levels_of_their_own():
    """As its cells have them today: a changed default asks for new baselines."""
    parameters = {canonical_json(cell.pairing.identity["game_parameters"]) for cell in find("ring").cells()}
    changed = [changed_parameters("gaussian-ring", text, catalogue_defaults()) for text in parameters]
    assert len(changed) == 2
    for setting in changed:
        assert set(pinned_measures("gaussian-ring", setting)) == {"modes_covered", "high_quality_fraction"}
        modes = targets("gaussian-ring", "modes_covered", setting)
        assert (modes.direction, modes.relative, len(modes.levels)) == ("higher", False, 1)
        assert 1 <= modes.levels[0] <= 8


def test_what_is_not_pinned_is_an_error():
    assert pinned_measures("gaussian-ring", {"std": 0.5}) == []
    with pytest.raises(InputError, match="no targets are pinned for modes_covered of gaussian-ring"):
        targets("gaussian-ring", "modes_covered", {"std": 0.5})


def curve(values, cell="a"):
    steps = np.arange(len(values))
    return pd.DataFrame(
        {"cell": cell, "context": "k", "step": steps, "gradients": 1.0 * steps, "products": 0.5 * steps, "value": values}
    )


@pytest.mark.parametrize("direction", ["lower", "higher"])
@pytest.mark.parametrize("relative", [True, False])
def test_first_reached_is_the_first(direction, relative):
    """Against a search by hand, on random walks with gaps."""
    rng = np.random.default_rng(3)
    values = np.abs(np.cumsum(rng.normal(size=(6, 40)), axis=1)) + 0.1
    values[0, 5:9] = np.nan
    values[1, 20:] = np.nan
    levels = tuple(np.linspace(0.2, 4, 17))
    curves = pd.concat([curve(row, cell=str(k)) for k, row in enumerate(values)])
    found = first_reached(curves.sample(frac=1, random_state=1), Targets("distance", direction, levels, relative))
    assert len(found) == 6 * 17
    for row in found.itertuples():
        series = values[int(row.cell)]
        level = row.level * (series[0] if relative else 1)
        hits = [k for k, v in enumerate(series) if (v <= level if direction == "lower" else v >= level)]
        assert row.step == (hits[0] if hits else math.inf)
        assert row.cost == 2 * row.step  # k gradients and k/2 products


def test_cost_to_targets_is_that_of_the_closed_form():
    """Extragradient on f = xy: the distance shrinks by ρ = √(1 − η² + η⁴) a step, at 2 gradients."""
    eta = 0.5
    given = {"games": {"bilinear": {"matrix": [[1.0]]}}, "checkpoints": list(range(201)), "seeds": 2}
    result = saddlebench.run(optimizers={"extragradient": {"step_size": eta}}, steps=200, **given)
    found = time_to_targets(result.runs, result.trace, catalogue_defaults())
    assert len(found) == 2 * 50
    assert set(found["measure"]) == {"distance"}
    rate = math.sqrt(1 - eta**2 + eta**4)
    expected = 2 * np.ceil(np.log(found["level"]) / np.log(rate) - 1e-9)
    assert (found["cost"] == expected).all()


def test_a_level_that_is_never_reached_costs_infinitely_much():
    result = saddlebench.run("bilinear", ["simultaneous-gradient", "regret-matching"], seeds=1, steps=100)
    found = time_to_targets(result.runs, result.trace, catalogue_defaults())
    assert set(found["optimizer"]) == {"simultaneous-gradient"}  # the other does not apply: no miss
    assert (found["cost"] == np.inf).all()


def test_an_error_before_the_first_step_is_a_miss():
    result = saddlebench.run("bilinear", "extragradient", seeds=2, steps=200)
    broken = result.runs.assign(status=["converged", "error"])
    kept = result.trace[result.trace["cell"] == broken["cell"].iloc[0]]
    found = time_to_targets(broken, kept, catalogue_defaults())
    assert np.isfinite(found[found["seed"] == 0]["cost"]).any()
    assert (found[found["seed"] == 1]["cost"] == np.inf).all()
    assert len(found) == 100


def gan_runs(finals, **columns):
    shared = {
        "game": "gaussian-ring",
        "game_parameters": '{"std":0.5}',
        "optimizer_parameters": "{}",
        "steps": 20,
        "commit": "c0ffee",
    }
    shared |= {"status": "completed", "suite": "mine", "budget": '{"steps":20}', "dirty": None}
    shared |= {"final_distance": None, "final_gap": None}
    rows = [
        {**shared, "optimizer": f"method{k % 2}", "seed": k // 2, "final_measures": None if final is None else json.dumps(final)}
        for k, final in enumerate(finals)
    ]
    return pd.DataFrame(rows).assign(**columns)


def test_a_measured_level_is_the_median_with_lost_runs_as_worst():
    finals = [
        {"modes_covered": 8, "fd_lenet": 1.0, "mode_kl": 1.0},
        None,
        {"modes_covered": 4, "fd_lenet": 3.0},
        {"modes_covered": 6},
    ]
    rows = {row["measure"]: row for row in measured(gan_runs([*finals, None]), {})}
    assert rows["modes_covered"]["level"] == 4  # of −∞, −∞, 4, 6, 8
    assert set(rows) == {"modes_covered"}  # fd_lenet's median is lost, mode_kl has no better direction
    assert rows["modes_covered"]["source"] == "median of 5 final values: 2 baselines x 3 seeds, 20 steps"
    assert rows["modes_covered"]["command"] == "saddlebench run mine --seeds 0,1,2"
    assert rows["modes_covered"]["game_parameters"] == '{"std":0.5}'


@pytest.mark.parametrize("columns", [{"commit": ["a", "b"]}, {"dirty": ["x", None]}, {"suite": [None, None]}])
def test_a_median_that_could_not_be_measured_again_is_refused(columns):
    with pytest.raises(InputError, match="run them anew"):
        measured(gan_runs([{"modes_covered": 8}] * 2, **columns), {})


def test_pinning_replaces_the_rows_of_its_games_alone(tmp_path, make):
    path = tmp_path / "targets.csv"
    path.write_bytes(FILE.read_bytes())
    with Store(tmp_path / "here") as store:
        given = {"game": "gaussian-ring", "game_parameters": {}, "suite": "ring", "commit": "c" * 40}
        store.append(runs=[make.run(**given, final_measures={"modes_covered": 2.0})])
    assert pin(tmp_path / "here", {}, path) == 1
    before, after = read_targets(FILE), read_targets(path)
    own = (after["game"] == "gaussian-ring") & (after["game_parameters"] == "{}")
    assert after[own][["measure", "level", "commit"]].to_numpy().tolist() == [["modes_covered", 2.0, "c" * 40]]
    others = (before["game"] == "gaussian-ring") & (before["game_parameters"] == "{}")
    assert after[~own].to_numpy().tolist() == before[~others].to_numpy().tolist()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",".join(COLUMNS), "game,level", "columns game, level"),
        ("lower,True,1e-06", "down,True,1e-06", "a direction is lower or higher"),
        ("lower,True,1e-06", "lower,True,small", "a level a number"),
        ("lower,True,1e-06", "lower,True,0.758577575", "stands twice"),
    ],
)
def test_a_damaged_file_is_told(tmp_path, old, new, message):
    text = FILE.read_text()
    assert old in text
    path = tmp_path / "targets.csv"
    path.write_text(new + "\n1,2\n" if "game,level" in new else text.replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_targets(path)
