"""Results of a small suite, run once, and ways to spoil them."""

import dataclasses

import pytest

import saddlebench
from saddlebench.bench.cli.defaults import catalogue_defaults
from saddlebench.bench.cli.families import game_families
from saddlebench.results.regression.comparison import compare
from saddlebench.results.store import Tables

GAMES = [{"bilinear": {"matrix": [[3.0]]}}]
OPTIMIZERS = ["extragradient", "optimistic-gradient"]


def play(**changes):
    made = saddlebench.run(**{"games": GAMES, "optimizers": OPTIMIZERS, "seeds": 16, "steps": 400, "checkpoints": 40, **changes})
    return Tables(made.runs, made.trace, made.spectrum, made.machines)


@pytest.fixture(scope="session")
def night():
    """An undisturbed night."""
    return play()


@pytest.fixture
def played():
    """Runs the same cells anew."""
    return play


@pytest.fixture
def judged():
    """The comparison of two results, with the catalogues' families and defaults."""

    def judge(baseline, new, golden=None):
        return compare(baseline, new, game_families(), catalogue_defaults(), golden)

    return judge


@pytest.fixture
def spoil():
    """A copy of results in which some rows of a table have other values: spoil(tables, "runs", rows, column=value)."""

    def change(tables, table, rows, **values):
        frame = getattr(tables, table).copy()
        for name, value in values.items():
            frame.loc[rows, name] = value
        return dataclasses.replace(tables, **{table: frame})

    return change


@pytest.fixture
def fault(monkeypatch):
    """Makes an optimizer's step another one: fault(name, lambda step: lambda self, oracle, w, state: …)."""

    def plant(name, change):
        cls = saddlebench.OPTIMIZERS[name]
        monkeypatch.setattr(cls, "step", change(cls.step))

    return plant
