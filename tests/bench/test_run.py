"""`saddlebench.run`: tables, grouping, budgets, failures, resume."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

import saddlebench
from saddlebench.bench.build import build, build_all
from saddlebench.bench.cells import cross, groups
from saddlebench.bench.program import run_program
from saddlebench.bench.settings import Settings
from saddlebench.errors import InputError
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.results.store import read

XY = {"bilinear": {"matrix": [[1.0]]}}
# What differs between two runs of one cell: clocks and memory.
CLOCKS = ["started_at", "seconds", "program_seconds", "peak_memory_bytes"]


def same(a: pd.DataFrame, b: pd.DataFrame, keys: list[str]) -> None:
    """Equal bit for bit, in whatever order of rows, clocks left out."""
    clean = [f.drop(columns=CLOCKS, errors="ignore").sort_values(keys).reset_index(drop=True) for f in (a, b)]
    pd.testing.assert_frame_equal(*clean, check_exact=True)


def test_the_textbook_verdicts_on_the_bilinear_game():
    result = saddlebench.run(
        games=XY,
        optimizers=["simultaneous-gradient", "alternating-gradient", "extragradient", "optimistic-gradient"],
        seeds=3,
        steps=4000,
    )
    status = result.runs.groupby("optimizer")["status"].unique().map(list)
    assert status["simultaneous-gradient"] == ["diverged"]
    assert status["alternating-gradient"] == ["cycling"]
    assert status["extragradient"] == ["converged"]
    assert status["optimistic-gradient"] == ["converged"]


def test_the_measured_rate_is_the_spectral_radius_and_the_closed_form():
    result = saddlebench.run(games=XY, optimizers=["extragradient", "consensus"], seeds=2, steps=500, spectrum=["equilibrium"])
    assert result.runs["measured_rate"].to_numpy() == pytest.approx(result.runs["spectral_radius"].to_numpy(), rel=1e-6)
    assert result.runs["predicted_radius"].to_numpy() == pytest.approx(result.runs["spectral_radius"].to_numpy(), rel=1e-10)


def test_a_sweep_and_seeds_step_together_and_a_bare_list_is_one_value_a_player():
    sweep = build_all("optimizer", {"extragradient": {"step_size": {"sweep": [0.05, 0.1]}}})
    cells = cross(build_all("game", XY), sweep, [0, 1, 2], Settings(steps=10))
    assert [len(g) for g in groups(cells)] == [6]
    (pair,) = build_all("optimizer", {"extragradient": {"step_size": [0.05, 0.1]}})
    assert pair.step_size == (0.05, 0.1)
    assert len(groups(cross(build_all("game", XY), [*sweep, pair], [0], Settings(steps=10)))) == 2


def test_a_run_alone_and_in_a_batch_of_a_hundred_agree():
    game = {"bilinear": {"shape": [5, 5], "condition_number": 2.0}}
    optimizers = {"extragradient": {"step_size": {"sweep": [0.2 + 0.002 * k for k in range(10)]}}}
    batch = saddlebench.run(games=game, optimizers=optimizers, seeds=10, steps=1000)
    assert set(batch.runs["runs_in_program"]) == {100}
    for seed, k in [(0, 0), (7, 3), (9, 9)]:
        optimizer = {"extragradient": {"step_size": 0.2 + 0.002 * k}}
        alone = saddlebench.run(games=game, optimizers=optimizer, seeds=[seed], steps=1000)
        ours = alone.trace.query("measure == 'distance' and answer == 'last'").set_index("step")["value"]
        theirs = batch.trace.query(
            f"cell == {alone.runs['cell'].iloc[0]!r} and measure == 'distance' and answer == 'last'"
        ).set_index("step")["value"]
        assert len(ours) > 25
        np.testing.assert_allclose(theirs.to_numpy(), ours.to_numpy(), rtol=1e-10)


def test_what_does_not_apply_is_a_row_with_its_reason():
    result = saddlebench.run(games=[XY], optimizers=["multiplicative-weights"], seeds=2, steps=10)
    assert result.runs["status"].tolist() == ["not_applicable"] * 2
    assert (
        result.runs["reason"]
        .str.contains("multiplicative-weights plays simplex strategies, and this game's are unconstrained")
        .all()
    )
    assert result.runs["steps"].tolist() == [0, 0]


def test_a_diverged_run_is_frozen_and_the_others_go_on():
    sweep = {"simultaneous-gradient": {"step_size": {"sweep": [0.1, 3.0]}}}
    result = saddlebench.run(games={"quadratic": {}}, optimizers=sweep, seeds=2, steps=500)
    slow, fast = result.runs.iloc[:2], result.runs.iloc[2:]
    assert set(result.runs["runs_in_program"]) == {4}
    assert set(slow["status"]) == {"converged"}
    assert set(fast["status"]) == {"diverged"}
    assert (fast["steps"] < 100).all()
    last = result.trace.groupby("cell")["step"].max()
    assert (last[fast["cell"]].to_numpy() == fast["steps"].to_numpy()).all()
    alone = saddlebench.run(games={"quadratic": {}}, optimizers="simultaneous-gradient", seeds=2, steps=500)
    assert alone.runs["final_distance"].to_numpy() == pytest.approx(slow["final_distance"].to_numpy(), rel=1e-12)


@dataclass(frozen=True)
class Faulty(Optimizer):
    """Raises for the run whose step size is 0.3."""

    name = "faulty"
    step_size: float = 0.1

    def step(self, oracle, w, state):
        """Plain gradient, with a fault."""
        if torch.as_tensor(self.step_size).eq(0.3).any():
            raise RuntimeError("planted")
        return tuple(x - self.step_size * v for x, v in zip(w, oracle.field(w), strict=True)), state


def test_a_run_that_fails_is_an_error_row_and_costs_the_others_nothing():
    result = saddlebench.run(games="quadratic", optimizers=[Faulty(0.1), Faulty(0.3)], seeds=2, steps=200)
    assert result.runs["status"].tolist() == ["converged", "converged", "error", "error"]
    assert result.runs["reason"].iloc[2].startswith("RuntimeError: planted (test_run.py:")
    assert result.runs["optimizer_source"].notna().all()


def test_a_cost_budget_ends_with_the_step_that_reaches_it():
    result = saddlebench.run(games=XY, optimizers=["extragradient", "consensus"], seeds=1, cost=100)
    assert result.runs["cost"].tolist() == [100, 102]
    assert result.runs["steps"].tolist() == [50, 34]


def test_a_budget_in_seconds_steps_every_run_alone():
    result = saddlebench.run(games=XY, optimizers="extragradient", seeds=2, seconds=0.05)
    assert set(result.runs["runs_in_program"]) == {1}
    assert (result.runs["seconds"] >= 0.05).all()
    assert (result.runs["seconds"] < 1.0).all()


def test_seconds_are_only_of_runs_that_ran_alone():
    batched = saddlebench.run(games=XY, optimizers="extragradient", seeds=2, steps=10)
    assert batched.runs["seconds"].isna().all()
    assert (batched.runs["program_seconds"] > 0).all()
    timed = saddlebench.run(games=XY, optimizers="extragradient", seeds=2, steps=10, timing=True)
    assert (timed.runs["seconds"] > 0).all()


def test_a_timeout_is_a_status():
    result = saddlebench.run(games=XY, optimizers="alternating-gradient", seeds=1, steps=10**7, timeout=0.2)
    assert result.runs["status"].tolist() == ["timeout"]
    assert 0 < result.runs["steps"].iloc[0] < 10**7


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    saddlebench.run(games=["bilinear", "gaussian-ring"], optimizers="extra-adam", seeds=2, steps=3)
    assert torch.equal(before, torch.get_rng_state())


def test_the_same_cells_again_are_read_and_not_run(tmp_path):
    first = saddlebench.run(games=XY, optimizers="extragradient", seeds=3, steps=50, out=tmp_path / "r")
    again = saddlebench.run(games=XY, optimizers="extragradient", seeds=3, steps=50, out=tmp_path / "r")
    pd.testing.assert_frame_equal(first.runs, again.runs)  # clocks too: nothing was run
    forced = saddlebench.run(games=XY, optimizers="extragradient", seeds=3, steps=50, out=tmp_path / "r", force=True)
    assert (forced.runs["started_at"] > first.runs["started_at"]).all()
    same(forced.runs, first.runs, ["cell"])
    assert len(read(tmp_path / "r").runs) == 3


def test_memory_and_store_hold_the_same_tables(tmp_path):
    arguments = {"games": [XY, "dirac-gan"], "optimizers": ["extragradient", "adam"], "seeds": 2, "steps": 40}
    kept = saddlebench.run(**arguments, out=tmp_path / "r", spectrum=["equilibrium"])
    held = saddlebench.run(**arguments, spectrum=["equilibrium"])
    same(kept.runs, held.runs, ["cell"])
    same(kept.trace, held.trace, ["cell", "step", "answer", "measure"])
    same(kept.spectrum, held.spectrum, ["cell", "point", "operator", "transverse", "index"])


CHILD = """
import sys, torch
torch.set_num_threads(1)
import saddlebench
matrices = {"sweep": [[[1.0 + 0.1 * k]] for k in range(6)]}
games = {"bilinear": {"matrix": matrices}}
saddlebench.run(games=games, optimizers=["extragradient", "adam"], seeds=3, steps=1500, out=sys.argv[1])
"""


def test_resuming_after_a_kill_gives_the_undisturbed_tables_bit_for_bit(tmp_path):
    subprocess.run([sys.executable, "-c", CHILD, str(tmp_path / "whole")], check=True, timeout=300)
    whole = read(tmp_path / "whole")
    broken = tmp_path / "broken"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(broken)])
    finished = 0
    deadline = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < deadline:  # kill once some, but not all, groups are in
        if broken.is_dir() and any(broken.glob("journal-*")):
            finished = len(read(broken).runs)
            if finished:
                child.send_signal(signal.SIGKILL)
                child.wait()
        time.sleep(0.02)
    assert child.returncode == -signal.SIGKILL
    assert 0 < len(read(broken).runs) < len(whole.runs) == 36
    subprocess.run([sys.executable, "-c", CHILD, str(broken)], check=True, timeout=300)
    resumed = read(broken)
    same(resumed.runs, whole.runs, ["cell"])
    same(resumed.trace.drop(columns="seconds"), whole.trace.drop(columns="seconds"), ["cell", "step", "answer", "measure"])


def test_a_run_that_is_lost_has_no_spectrum_past_its_end():
    result = saddlebench.run(games=XY, optimizers="simultaneous-gradient", seeds=1, steps=3000, spectrum=["final", 100])
    assert result.runs["status"].tolist() == ["diverged"]
    assert set(result.spectrum["point"]) == {"step:100"}
    assert "final: the run ended at step 2" in result.runs["spectrum_reason"].iloc[0]


def test_a_short_cost_budget_has_a_measured_rate():
    result = saddlebench.run(games=XY, optimizers="extragradient", seeds=1, cost=400)
    assert result.runs["measured_rate"].iloc[0] == pytest.approx(0.99503769, abs=1e-5)


def test_a_class_without_a_source_file_is_a_cell_of_its_own():
    namespace = {"__name__": "typed_at_a_prompt"}
    code = (
        "from dataclasses import dataclass\n"
        "from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient\n"
        "@dataclass(frozen=True)\n"
        "class Mine(SimultaneousGradient):\n"
        "    def step(self, oracle, w, state):\n"
        "        return tuple(x - FACTOR * v for x, v in zip(w, oracle.field(w))), state\n"
    )
    keys = set()
    for factor in ("0.1", "0.2"):
        exec(code.replace("FACTOR", factor), namespace)
        result = saddlebench.run(games=XY, optimizers=namespace["Mine"](), seeds=1, steps=5, spectrum=["equilibrium"])
        assert result.runs["optimizer_source"].notna().all()
        assert result.runs["predicted_radius"].isna().all()
        keys |= set(result.runs["cell"])
    assert len(keys) == 2


def test_a_missing_data_set_is_found_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "none"))
    out = tmp_path / "out"
    with pytest.raises(InputError, match="saddlebench data fetch mnist"):
        saddlebench.run(games=["bilinear", "mnist-mlp"], optimizers="adam", seeds=1, steps=5, out=out)
    assert not out.exists()


def test_parameters_are_recorded_whole_and_rules_by_name():
    result = saddlebench.run(games=XY, optimizers={"simultaneous-gradient": {"rule": "rmsprop"}}, seeds=1, steps=2)
    parameters = json.loads(result.runs["optimizer_parameters"].iloc[0])
    assert parameters["rule"]["rmsprop"]["smoothing"] == 0.99


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"games": "bilinaer"}, "did you mean 'bilinear'"),
        ({"optimizers": "extragradiant"}, "did you mean 'extragradient'"),
        ({"optimizers": {"adam": {"beta": 1}}}, "did you mean 'betas'"),
        ({"optimizers": {"adam": {"step_size": -1}}}, "greater than 0"),
        ({"optimizers": {"adam": {"step_size": [0.1, 0.1, 0.1]}}}, "bilinear has 2 players"),
        ({"optimizers": {"adam": {"betas": [[0.5, 0.9]]}}}, "one pair or 2"),
        ({"optimizers": {"alternating-gradient": {"schedule": [0, 2]}}}, "outside 0…1"),
        ({"games": {"bilinear": {"matrix": [[1.0, 2.0], [3.0]]}}}, "one equal length"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [1.5]}, "number of seeds"),
        ({"seeds": [-1]}, "number of seeds"),
        ({"seeds": True}, "number of seeds"),
        ({"seeds": [2**64]}, "number of seeds"),
        ({"seeds": [1, 1]}, "twice"),
        ({"steps": -5}, "positive"),
        ({"device": "cuda:99"}, "not there"),
        ({"device": "meta"}, "holds no numbers"),
        ({"dtype": "float16"}, "float64 or float32"),
        ({"optimizers": {"adam": {"step_size": {"sweep": []}}}}, "a sweep is a list"),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_is_written(arguments, message, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=message) as error:
        saddlebench.run(**{"games": XY, "optimizers": "adam", "seeds": 1, "steps": 5, "out": out, **arguments})
    assert "\n" not in str(error.value)
    assert not out.exists()


def test_numpy_seeds_are_seeds():
    wanted = saddlebench.run(games=XY, optimizers="adam", seeds=2, steps=2).runs["cell"].tolist()
    for seeds in (np.int64(2), np.arange(2), [np.int64(0), np.int64(1)], range(2)):
        assert saddlebench.run(games=XY, optimizers="adam", seeds=seeds, steps=2).runs["cell"].tolist() == wanted


def test_what_is_named_twice_is_run_once(tmp_path):
    result = saddlebench.run(games=XY, optimizers=["adam", "adam"], seeds=2, steps=2, spectrum=["final"], out=tmp_path / "out")
    assert len(result.runs) == 2
    assert set(result.runs["runs_in_program"]) == {2}
    assert not result.spectrum.duplicated(["cell", "point", "operator", "index"]).any()


def test_options_of_torch_optimizers_are_never_stacked():
    rules = [{"torch.optim.SGD": {"momentum": m}} for m in (0.1, 0.2)]
    result = saddlebench.run(games=XY, optimizers={"simultaneous-gradient": {"rule": {"sweep": rules}}}, seeds=2, steps=5)
    assert set(result.runs["runs_in_program"]) == {2}
    assert result.runs["final_distance"].nunique() == 4


def test_no_spectrum_at_the_end_of_a_run_that_diverged():
    result = saddlebench.run(games=XY, optimizers="simultaneous-gradient", seeds=1, steps=5000, spectrum=[10, "final"])
    assert result.runs["spectrum_reason"].tolist() == ["final: the run ended at step 2780"]
    assert set(result.spectrum["point"]) == {"step:10"}
    assert result.spectrum.groupby("operator").size().to_dict() == {"game": 2, "step": 2}


def test_the_game_s_own_spectrum_stands_beside_the_step_s():
    points = ["equilibrium", 0, 5]
    result = saddlebench.run(games="four-player", optimizers=["extragradient", "adam"], seeds=1, steps=5, spectrum=points)
    table = result.spectrum.merge(result.runs[["cell", "optimizer"]], on="cell").set_index(["optimizer", "operator", "point"])
    game = table.xs("game", level="operator")
    for optimizer in ("extragradient", "adam"):  # Adam has no spectrum at the equilibrium, the game has
        np.testing.assert_allclose(game.loc[(optimizer, "equilibrium"), "re"], 0.01, atol=1e-12)
        assert game.loc[(optimizer, "equilibrium"), "gradient_share"].isna().all()
        for point in ("step:0", "step:5"):
            assert game.loc[(optimizer, point), "gradient_share"].sum() == pytest.approx(1)
    assert ("adam", "step", "equilibrium") not in table.index
    step = table.xs("step", level="operator")
    assert step["gradient_share"].isna().all()
    assert game.loc[("extragradient", "step:5"), "gradient_share"].tolist() != pytest.approx(
        game.loc[("adam", "step:5"), "gradient_share"].tolist()
    )


RULE = """
from dataclasses import dataclass
from saddlebench.optimizers.rules.rule import Rule

@dataclass(frozen=True)
class Scaled(Rule):
    name = "gradient"
    def direction(self, i, w, gradient, state):
        return FACTOR * gradient, state

FACTOR = {}
"""


def test_the_file_of_a_part_is_in_the_cell_and_has_no_closed_form(tmp_path):
    file = tmp_path / "scaled.py"
    optimizer = {"simultaneous-gradient": {"rule": f"{file}:Scaled"}}
    cells = set(saddlebench.run(games=XY, optimizers="simultaneous-gradient", seeds=1, steps=2).runs["cell"])
    for factor in (1.0, 2.0):
        file.write_text(RULE.format(factor))
        runs = saddlebench.run(games=XY, optimizers=optimizer, seeds=1, steps=2, spectrum=["equilibrium"]).runs
        assert runs["predicted_radius"].isna().all()
        cells |= set(saddlebench.run(games=XY, optimizers=optimizer, seeds=1, steps=2).runs["cell"])
    assert len(cells) == 3


@dataclass(frozen=True)
class Drifting(Optimizer):
    """w⁺ = w + 1e-3."""

    name = "drifting"

    def step(self, oracle, w, state):
        return tuple(x + 1e-3 for x in w), state


def test_a_run_that_starts_at_the_equilibrium_and_leaves_it_goes_on():
    game = {"dirac-gan": {"start": [0.0, 0.0]}}
    result = saddlebench.run(games=game, optimizers=Drifting(), seeds=1, steps=400)
    assert result.runs[["status", "steps"]].to_numpy().tolist() == [["budget", 400]]


@dataclass(frozen=True)
class Answering(Drifting):
    """w⁺ = w + 1e-3."""

    name = "answering"

    def answers(self, w, state):
        return {"last": w, "ema": w}


def test_an_answer_that_the_tables_do_not_hold_is_an_error_of_its_runs_alone():
    runs = saddlebench.run(games=XY, optimizers=[Answering(), "adam"], seeds=1, steps=5).runs
    assert runs["status"].tolist()[0] == "error"
    assert "answers() names ema" in runs["reason"][0]
    assert runs["status"][1] != "error"


@pytest.mark.parametrize(
    "budget",
    [{"steps": 50}, {"cost": 100.0}, {"seconds": 0.2}, {"steps": 50, "cost": 1e6}, {"steps": 10**6, "cost": 100.0}],
    ids=str,
)
def test_progress_tells_the_share_of_the_budget(budget):
    settings, shares = Settings.of(**budget).budget(1000), []
    game, seeds = build("game", {"bilinear": {}}), torch.tensor([0])
    run_program(
        game, build("optimizer", {"extragradient": {"step_size": 1e-3}}), seeds, settings, torch.float64, on_step=shares.append
    )
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5 < 0.9 < shares[-1] <= 1
