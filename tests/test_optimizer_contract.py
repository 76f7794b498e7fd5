"""Every optimizer of the catalogue keeps the contract. A new file in optimizers/ is tested by being there."""

from functools import cache

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts import OPTIMIZER_CHECKS
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.bench.contracts.optimizer_steps import traced_steps_are_the_steps
from saddlebench.games import GAMES
from saddlebench.optimizers import OPTIMIZERS


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def finding(name, check):
    return run_checks([check], build("optimizer", name))[0]


@pytest.mark.parametrize("check", OPTIMIZER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_contract(name, check):
    assert finding(name, check).status != "failed", finding(name, check).message
    assert finding(name, check).message, "not applicable without a reason"


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_refusal_is_a_sentence_about_this_optimizer(name):
    optimizer = build("optimizer", name)
    for cls in GAMES.values():
        if cls.dtype == "float64" and (reason := optimizer.applies_to(cls.small())):
            assert len(reason.split()) >= 3, reason
            others = [other for other in OPTIMIZERS if other in reason and other not in name]
            assert name in reason or not others, f"{reason!r} speaks of {others}"


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_step_of_the_catalogue_can_be_traced(name):
    """So that --compile falls back for steps from elsewhere alone (torch.optim's rules mutate what they are given)."""
    assert finding(name, traced_steps_are_the_steps).status == "ok", finding(name, traced_steps_are_the_steps).message


@pytest.mark.parametrize("check", OPTIMIZER_CHECKS, ids=lambda check: check.__name__)
def test_the_check_has_something_to_check(check):
    """A check that were not applicable everywhere would pass for nothing."""
    assert any(finding(name, check).status == "ok" for name in OPTIMIZERS)
