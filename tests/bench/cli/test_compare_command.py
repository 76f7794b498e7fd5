import json

import pytest

from saddlebench.results.store import Store, read

RUN = ("run", "--game", "bilinear", "--optimizer", "extragradient", "--steps", 150, "--seeds", 12, "--out")


@pytest.fixture
def two(cli, tmp_path):
    """Two directories with the same results."""
    for name in ("one", "two"):
        cli(*RUN, name)
    return cli


def test_the_same_results_have_no_findings(two):
    said = two("compare", "one", "two")
    assert (said.code, said.out) == (0, "")
    assert "12 cells in both, 0 moved, 0 tests, 0 findings" in said.err


def test_what_became_worse_is_a_row_and_exit_code_1(two, tmp_path):
    with Store("two") as store:
        found = store.read(("runs", "trace"))
        found.trace["gradients"] *= 1.5  # the same values at half as much cost again
        store.append(runs=found.runs, trace=found.trace)
    said = two("compare", "one", "two")
    (row,) = said.rows()
    assert said.code == 1
    assert (row["finding"], row["optimizer"], row["games"], row["cells"], row["ratio"]) == (
        "cost",
        "extragradient",
        "bilinear",
        "12",
        "1.5",
    )
    whole = json.loads(two("compare", "one", "two", "--format", "json").out)
    assert whole[0]["p"] == pytest.approx(2.0**-12)


def test_commits_of_one_directory(two):
    commit = read("one", ("runs",)).runs["commit"].iloc[0]
    said = two("compare", "--store", "one", "--commits", commit[:8], commit)
    assert said.code == 0
    said = two("compare", "--store", "one", "--commits", "nothing", commit)
    assert said.code == 2
    assert "commit 'nothing' is not there" in said.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("one",), "name BASELINE and NEW"),
        (("golden",), "name the results"),
        (("golden", "one"), "none of the golden cells is in these results"),
        (("golden", "one", "--update-golden"), "no results of the suite golden"),
        (("one", "two", "--update-golden"), "goes with the baseline golden"),
        (("--store", "one"), "--commits A B"),
        (("one", "nowhere"), "nowhere"),
    ],
)
def test_bad_input(two, arguments, told):
    said = two("compare", *arguments)
    assert said.code == 2
    assert told in said.err


def test_power_is_told(two):
    said = two("compare", "one", "--power", "--nights", 10)
    assert said.code == 0
    assert [row["slow_down"] for row in said.rows()] == ["5 %", "10 %", "20 %", "50 %"]
    assert "raise an alarm" in said.err


def test_traces_go_to_tensorboard(two, tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard is not installed")
    assert two("export", "one", "--tensorboard", "boards").code == 0
    log = events.EventAccumulator(str(tmp_path / "boards" / "bilinear" / "extragradient" / "seed-3"))
    log.Reload()
    found = read("one")
    cell = found.runs.set_index("seed").loc[3, "cell"]
    rows = found.trace[(found.trace["cell"] == cell) & (found.trace["answer"] == "last") & (found.trace["measure"] == "distance")]
    assert [event.step for event in log.Scalars("distance")] == rows["step"].tolist()
    assert [event.value for event in log.Scalars("distance")] == pytest.approx(rows["value"].tolist(), rel=1e-6)
