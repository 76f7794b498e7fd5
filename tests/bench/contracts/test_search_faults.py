"""What the check of search spaces finds wrong."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from saddlebench.bench.contracts.finding import run_checks
from saddlebench.bench.contracts.search_space import SEARCH_CHECKS
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.optimizers.search import LogUniform, Space, Uniform
from saddlebench.parameters import Momentum, Positive


@dataclass(frozen=True)
class Sound(Optimizer):
    """w⁺ = w."""

    name = "sound"

    step_size: Positive = 0.1
    momentum: Momentum = 0.5

    def step(self, oracle, w, state):
        return w, state


def finding(cls):
    [found] = run_checks(SEARCH_CHECKS, cls())
    return found


def test_without_a_declaration_a_method_is_sound():
    assert finding(Sound).status == "ok"


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"step_size": LogUniform(1, 10)}, "the default step_size = 0.1 lies outside 1 … 10 (log)"),
        ({"momentum": Uniform(-1, 1)}, "momentum = -1.0 is in its range -1 … 1 and refused"),
        ({"stepsize": LogUniform(1e-2, 1)}, "search names stepsize"),
        ({"momentum": (Uniform(0, 0.5), Uniform(0, 0.5))}, "the default momentum = 0.5 lies outside"),
    ],
)
def test_faults_are_told(search, message):
    class Faulty(Sound):
        pass

    Faulty.search = search
    assert finding(Faulty).status == "failed"
    assert message in finding(Faulty).message


def test_nothing_to_search_is_said():
    class Bare(Sound):
        search: ClassVar[Space] = {"step_size": None, "momentum": None}

    assert (finding(Bare).status, finding(Bare).message) == ("not applicable", "it has no hyperparameter that is searched")
