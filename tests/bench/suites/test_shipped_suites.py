"""What the shipped suites are there to show, on a part of each: ``make test-slow``."""

import json

import pytest

import saddlebench
from saddlebench.bench.suites.load import find


@pytest.mark.slow
def test_quick_shows_the_textbook_verdicts():
    block = find("quick").blocks[0]
    settings = {k: v for k, v in block.settings.items() if k != "spectrum"}
    runs = saddlebench.run(block.games[0], block.optimizers, seeds=block.seeds, **settings).runs
    status = runs.groupby("optimizer")["status"].unique().map(list)
    assert set(runs["optimizer"]) == set(saddlebench.OPTIMIZERS)
    assert not set(runs["status"]) & {"error", "timeout"}
    assert status["simultaneous-gradient"] == ["diverged"]
    assert status["alternating-gradient"] == ["cycling"]
    assert status["extragradient"] == ["converged"]
    assert status["optimistic-gradient"] == ["converged"]


@pytest.mark.slow
def test_some_optimizer_s_median_run_covers_the_whole_ring():
    block = find("ring").blocks[0]
    adam = next(o for o in block.optimizers if "adam" in o)
    runs = saddlebench.run(block.games, adam, seeds=block.seeds, **block.settings).runs
    modes = [json.loads(text)["modes_covered"] for text in runs["final_measures"]]
    assert len(modes) == 10
    assert sorted(modes)[4] == 8
