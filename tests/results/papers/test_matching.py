"""Synthetic results, written through the store: no game of these papers needs to exist for that."""

import dataclasses

import pytest

from saddlebench.catalogue import Catalogue
from saddlebench.games import GAMES
from saddlebench.optimizers import OPTIMIZERS
from saddlebench.results.papers import PAPERS, Match
from saddlebench.results.papers.matching import match_of, measured
from saddlebench.results.papers.published import read_numbers
from saddlebench.results.store import Store, read

GAME = {"loss": "hinge", "reference_split": "train", "latent": 128}
COUNTS = {"fid_n_real": 50000.0, "fid_n_fake": 50000.0}
MATCHES = {("net", None): Match("cifar10-net", "adam", {"loss": "hinge"}, {"rule": {"adam": {"betas": (0.5, 0.9)}}})}
OPTIMIZER = {"rule": {"adam": {"betas": [0.5, 0.9], "epsilon": 1e-8}}, "step_size": 1e-4}


@pytest.fixture
def row():
    one = read_numbers("cifar10-fid")[0]
    facts = {"n_real": 50000, "n_fake": 50000, "ref_split": "train", "resizer": None, "which_ckpt": "best"}
    return dataclasses.replace(one, row="net", column="paper", value=10.0, **facts)


@pytest.fixture
def results(make, tmp_path):
    """A store with three seeds whose fid falls and rises again, and what the caller changes about them."""

    def written(measure="fid", answer="last", **changes):
        with Store(tmp_path / "there") as store:
            for seed in range(3):
                facts = {"game": "cifar10-net", "game_parameters": GAME, "optimizer": "adam", "optimizer_parameters": OPTIMIZER}
                run = make.run(f"c{seed}", **{**facts, "seed": seed, "status": "completed", "final_measures": COUNTS, **changes})
                values = [40.0, 9.0 + seed, 12.0 + seed]
                store.append(runs=[run], trace=make.trace(f"c{seed}", length=3, measure=measure, answer=answer, value=values))
        return read(tmp_path / "there")

    return written


def found(row, tables, matches=MATCHES):
    return measured(row, matches, tables.runs, tables.trace)


def test_seeds_of_the_same_protocol_stand_beside_the_published_number(row, results):
    best = found(row, results())
    assert (best.status, best.value, best.std, best.n) == ("measured", 10.0, 1.0, 3)
    assert best.remark == "100 steps; not stated by the source: resizer"
    last = found(dataclasses.replace(row, which_ckpt="last"), results())
    assert (last.value, last.std) == (13.0, 1.0)


def test_the_best_inception_score_is_the_highest(row, results):
    score = dataclasses.replace(row, measure="inception_score", n_real=None, n_fake=None)
    assert found(score, results(measure="inception_score")).value == 40.0


@pytest.mark.parametrize("measure", ["fd_lite0_pca64", "fd_lenet", "kid_lite0"])
def test_a_distance_of_other_features_is_never_an_fid(row, results, measure):
    one = found(row, results(measure=measure))
    assert (one.status, one.value) == ("no such measure", None)
    assert f"the cells have {measure}, which are on other scales than fid" in one.remark


@pytest.mark.parametrize(
    ("published_change", "run_change", "told"),
    [
        ({}, {"final_measures": {**COUNTS, "fid_n_fake": 5000.0}}, "n_fake 5000, not 50000"),
        ({}, {"final_measures": None}, "n_fake not recorded, not 50000; n_real not recorded, not 50000"),
        ({}, {"game_parameters": {**GAME, "reference_split": "test"}}, "ref_split test, not train"),
        ({}, {"game_parameters": {"loss": "hinge"}}, "ref_split not recorded, not train"),
        ({"extractor": "torchvision-inception"}, {}, "extractor inception-2015-12-05, not torchvision-inception"),
        ({"resizer": "clean"}, {}, "resizer legacy-tensorflow, not clean"),
        ({"which_ckpt": "best fid"}, {}, "the checkpoint of the best fid is not looked up"),
    ],
)
def test_another_protocol_is_told_and_not_put_beside(row, results, published_change, run_change, told):
    one = found(dataclasses.replace(row, **published_change), results(**run_change))
    assert (one.status, one.value) == ("other protocol", None)
    assert str(one.remark).endswith(f"of 3, under another protocol: {told}")


def test_a_shorter_training_is_another_protocol(row, results):
    one = found(row, results(), {("net", None): dataclasses.replace(MATCHES["net", None], steps=500_000)})
    assert (one.status, str(one.remark)[-26:]) == ("other protocol", "col: 100 steps, not 500000")


@pytest.mark.parametrize(
    "change",
    [
        {"game": "cifar10-other"},
        {"optimizer": "extra-adam"},
        {"game_parameters": {**GAME, "loss": "wasserstein"}},
        {"game_parameters": {"latent": 128}},
        {"optimizer_parameters": {"rule": {"adam": {"betas": [0.9, 0.999]}}}},
        {"optimizer_parameters": {"rule": {"rmsprop": {}}}},
        {"status": "error", "reason": "it broke"},
    ],
)
def test_other_cells_are_not_taken(row, results, change):
    assert found(row, results(**change)).status == "not run"


def test_only_the_asked_answer_counts(row, results):
    tables = results(answer="average")
    assert found(row, tables).status == "no such measure"
    averaged = {("net", None): dataclasses.replace(MATCHES["net", None], answer="average")}
    assert found(row, tables, averaged).value == 10.0


def test_rows_without_counterpart_or_value_say_so(row, results):
    assert found(row, results(), {}).status == "no counterpart"
    blank = dataclasses.replace(row, value=None, verified="not verified: lost")
    assert (found(blank, results()).status, found(blank, results()).remark) == ("not verified", "not verified: lost")


def test_a_column_of_its_own_goes_before_the_row_s(row):
    own = Match("other", "adam")
    assert match_of({("net", "paper"): own, **MATCHES}, row) is own


PAIRS = [(paper, key, match) for paper in PAPERS.values() for key, match in paper.matches.items()]


def test_every_match_has_a_published_row():
    keys = {
        paper.name: {key for r in paper.published() for key in ((r.row, r.column), (r.row, None))}
        for paper in PAPERS.values()
        if paper.matches
    }
    assert [(paper.name, key) for paper, key, _ in PAIRS if key not in keys[paper.name]] == []


def names_missing(catalogue: Catalogue, name, parameters):
    entry = catalogue.entries[name]
    return set(parameters) - {p.name for p in entry.parameters}


def test_matches_name_parameters_that_games_and_optimizers_have():
    wrong = []
    for paper, key, match in PAIRS:
        if match.game in GAMES:  # the others are to come
            missing = names_missing(GAMES, match.game, match.game_parameters)
            missing |= names_missing(OPTIMIZERS, match.optimizer, match.optimizer_parameters)
            wrong += [(paper.name, key, missing)] if missing else []
    assert wrong == []
