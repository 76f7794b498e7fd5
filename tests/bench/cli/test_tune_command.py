"""`saddlebench tune`, end to end."""

import math
import signal
import tomllib

import pytest

import saddlebench
from saddlebench.bench.cli import tuning
from saddlebench.bench.tuning import study
from saddlebench.results.store import read

XY = '{"bilinear": {"matrix": [[1.0]]}}'


def tables(said):
    """The best trials, and the summary of winners and defaults."""
    return [
        [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
        for lines in (part.split("\n") for part in said.out.strip("\n").split("\n\n"))
    ]


def test_it_finds_the_best_step_size_of_extragradient(cli, tmp_path):
    """On f = xy the radius² is 1 − η² + η⁴, least at η = 1/√2: ρ = √3/2."""
    said = cli("tune", XY, "extragradient", "--trials", "50", "--cost", "500", "--out", "here")
    assert said.code == 0
    trials, shown = tables(said)
    [block, _] = tomllib.loads((tmp_path / "here/tuned.toml").read_text())["cross"]
    winner = block["optimizers"][0]["extragradient"]
    assert trials[0]["optimizer"] == f"extragradient(step_size={winner['step_size']})"
    radius = saddlebench.spectral_radius({"bilinear": {"matrix": [[1.0]]}}, {"extragradient": winner})
    assert radius == pytest.approx(math.sqrt(3) / 2, rel=0.01)
    assert radius**2 == pytest.approx(1 - winner["step_size"] ** 2 + winner["step_size"] ** 4)
    assert {(row["track"], row["n"], row["status"]) for row in shown} == {
        ("defaults", "10", "budget 10"),
        ("tuned", "10", "converged 10"),
    }


def test_the_winner_is_rerun_on_fresh_seeds_beside_the_defaults(cli, tmp_path):
    cli("tune", XY, "extragradient", "--trials", "4", "--seeds", "2", "--rerun-seeds", "3", "--steps", "50", "--out", "here")
    trials, runs = read(tmp_path / "here/trials").runs, read(tmp_path / "here").runs
    assert set(trials["seed"]) == {1000, 1001}
    assert len(trials) == 8
    assert set(trials["track"]) == {"defaults"}
    assert sorted(zip(runs["track"], runs["seed"], strict=True)) == [(t, s) for t in ("defaults", "tuned") for s in range(3)]
    assert cli("show", "here").rows()[0]["track"] == "defaults"


def test_the_suite_of_winners_runs_them_again(cli, tmp_path):
    first = cli("tune", XY, "extragradient", "heavy-ball", "--trials", "4", "--steps", "50", "--out", "here")
    assert f"winners: saddlebench run {tmp_path}/here/tuned.toml" in first.err
    again = cli("run", "here/tuned.toml", "--out", "there")
    found = {(row["optimizer"], row["track"]): row["distance"] for row in again.rows()}
    assert found == {(row["optimizer"], row["track"]): row["distance"] for row in tables(first)[1]}
    assert len(found) == 4


def test_more_trials_run_only_the_new_ones(cli):
    options = ("tune", XY, "extragradient", "--steps", "30", "--out", "here")
    few = cli(*options, "--trials", "5")
    more = cli(*options, "--trials", "9")
    assert "trials: 15 runs in 1 program, into" in few.err
    assert "trials: 12 runs in 1 program; 15 of 27 are there already" in more.err
    assert cli(*options, "--trials", "9").out == more.out
    assert "trials: 0 runs in 0 programs; 27 of 27 are there already" in cli(*options, "--trials", "9").err


def test_the_same_command_goes_on_after_an_interruption(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "_NUMBERS", 2 * 3)  # programs of three runs on a game of two numbers
    options = ("tune", XY, "extragradient", "--trials", "6", "--steps", "30", "--out")
    undisturbed = cli(*options, "there")
    shown = tuning.progress

    def interrupting(cells, check):
        display = shown(cells, check)
        done = display.done

        def counted(number):
            done(number)
            if display.finished >= 6:
                signal.raise_signal(signal.SIGINT)

        display.done = counted
        return display

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "progress", interrupting)
        said = cli(*options, "here")
    assert (said.code, said.out) == (130, "")
    assert f"interrupted: what has ended is kept in {tmp_path}/here; to go on: saddlebench tune" in said.err
    assert len(read(tmp_path / "here/trials").runs) == 6
    resumed = cli(*options, "here")
    assert "12 runs in 4 programs; 6 of 18 are there already" in resumed.err
    assert resumed.out == undisturbed.out


def test_what_has_no_hyperparameter_is_said_and_run_as_it_is(cli):
    said = cli("tune", "rock-paper-scissors", "multiplicative-weights", "regret-matching", "--trials", "2", "--steps", "20")
    assert said.code == 0
    assert "not tuned: regret-matching has no hyperparameter that is searched" in said.err
    assert [row["track"] for row in tables(said)[1]] == ["defaults", "tuned", "defaults"]


def test_an_optimizer_that_does_not_apply_has_its_reason(cli):
    said = cli("tune", XY, "extragradient", "multiplicative-weights", "--trials", "2", "--steps", "20")
    assert said.code == 0
    assert "not tuned: multiplicative-weights plays simplex strategies" in said.err
    assert tables(said)[1][-1]["status"] == "not_applicable 10"


def test_without_a_survivor_there_is_no_winner(cli, tmp_path):
    """Gradient descent with η ≥ 1 multiplies every distance on f = 100xy by at least 100 a step."""
    game = '{"bilinear": {"matrix": [[100.0]]}}'
    (tmp_path / "wild.py").write_text(
        "from saddlebench.optimizers.search import LogUniform\n"
        "from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient\n"
        "class Wild(SimultaneousGradient):\n"
        "    name = 'wild'\n"
        "    search = {'step_size': LogUniform(1, 10)}\n"
    )
    said = cli("tune", game, "./wild.py:Wild", "--trials", "3", "--steps", "40", "--out", "here")
    assert said.code == 0
    assert "no winner of wild: every trial was lost" in said.err
    assert not (tmp_path / "here/tuned.toml").exists()
    assert {row["distance"] for row in tables(said)[0]} == {"∞"}


def test_an_optimizer_of_one_s_own_is_tuned_by_its_types(cli, tmp_path):
    cli("new", "optimizer", "my-method")
    said = cli("tune", XY, "./my_method.py:MyMethod", "--trials", "8", "--steps", "50", "--out", "here")
    assert said.code == 0
    [block, _] = tomllib.loads((tmp_path / "here/tuned.toml").read_text())["cross"]
    [(name, values)] = block["optimizers"][0].items()
    assert name == f"{tmp_path}/my_method.py:MyMethod"
    assert set(values) == {"step_size", "optimism", "smoothing"}


def test_what_is_set_is_not_searched(cli):
    said = cli("tune", XY, "heavy-ball", "--trials", "4", "--steps", "20", "--set", "optimizer.momentum=-0.25")
    assert all("momentum=-0.25" in row["optimizer"] for row in tables(said)[0])


def test_a_dry_run_shows_the_space_and_writes_nothing(cli, tmp_path):
    said = cli("tune", XY, "heavy-ball", "--trials", "4", "--dry-run")
    assert said.rows() == [
        {"optimizer": "heavy-ball", "parameter": "step_size", "range": "0.0001 … 1 (log)", "default": "0.1"},
        {"optimizer": "heavy-ball", "parameter": "momentum", "range": "-0.9 … 0.9", "default": "-0.5"},
    ]
    assert "12 runs of trials" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bilinear", "extragradiant"), "unknown optimizer 'extragradiant': did you mean 'extragradient'"),
        (("bilinaer", "extragradient"), "unknown game 'bilinaer'"),
        (("rock-paper-scissors", "multiplicative-weights", "--objective", "gapp"), "unknown objective 'gapp': did you mean 'gap'"),
        (("bilinear", "extragradient", "--seeds", "5,6"), "seed 5 is in --seeds and --rerun-seeds"),
        (("bilinear", "extragradient", "--answer", "best"), "--answer best: last or average"),
        (("bilinear", "extragradient", "extragradient"), "extragradient is named twice"),
        (("bilinear", "extragradient", "--trials", "0"), "invalid value for '--trials'"),
        (("rock-paper-scissors", "fictitious-play"), "there is nothing to tune"),
        (("bilinear", "heavy-ball", "--set", "optimizer.momentum=2"), "optimizer heavy-ball: momentum = 2"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(cli, tmp_path, arguments, message):
    said = cli("tune", *arguments)
    assert (said.code, said.out) == (2, "")
    assert message in said.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
