"""Every game of the catalogue keeps the contract, in its small setting. A new file in games/ is tested by being there."""

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts import GAME_CHECKS
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.games import GAMES

# Settings whose code differs from that of the small one.
VARIANTS = {
    "bilinear drawn, not square": {"bilinear": {"shape": [3, 5], "condition_number": 4.0}},
    "bilinear with offsets": {"bilinear": {"matrix": [[1.0, 2.0], [3.0, 4.0]], "b": [1.0, -2.0], "c": [0.5, 3.0]}},
    "bilinear of rank one": {"bilinear": {"matrix": [[1.0, 2.0], [2.0, 4.0]]}},
    "quadratic with null directions": {"quadratic": {"p": [[1.0, 0.0], [0.0, 0.0]], "matrix": [[1.0], [0.0]], "q": [[2.0]]}},
    "dirac-gan non-saturating with noise": {"dirac-gan": {"loss": "non-saturating", "instance_noise": 0.7}},
    "dirac-gan wasserstein with r1": {"dirac-gan": {"loss": "wasserstein", "r1": 0.3}},
    "dirac-gan with gradient penalty": {"dirac-gan": {"loss": "wasserstein", "gradient_penalty": 0.5}},
    "dirac-gan with its data off 0": {"dirac-gan": {"target": -2.0, "instance_noise": 0.3, "gradient_penalty": 0.7}},
    "dirac-gan with clipping": {"dirac-gan": {"loss": "wasserstein", "clip": 0.5, "target": -2.0}},
    "dirac-gan with a gradient penalty to 0": {"dirac-gan": {"gradient_penalty": 0.7, "gradient_norm": 0.0}},
    "dirac-gan from the paper's start": {"dirac-gan": {"start": [1.0, 1.0]}},
    "rock-paper-scissors in logits": {"rock-paper-scissors": {"form": "softmax"}},
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def small():
    """Small instances by name: networks and data are made once, not once a check."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = GAMES[name].small()
        return made[name]

    return get


@pytest.mark.parametrize("check", GAME_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", list(GAMES))
def test_contract(name, check, small):
    [finding] = run_checks([check], small(name))
    assert finding.status != "failed", finding.message
    assert finding.message


@pytest.mark.parametrize("variant", VARIANTS)
def test_contract_of_variants(variant):
    failed = [f for f in run_checks(GAME_CHECKS, build("game", VARIANTS[variant])) if f.status == "failed"]
    assert not failed, failed
