"""CGDs, the package of the authors of competitive gradient descent: the same trajectories, and where the package is wrong.

Its first parameters *maximise* the loss, so they are our y of f. Its solver stops at ‖r‖² ≤ tol·‖b‖², i.e. its default tol of 1e-12
is a relative residual of 1e-6; here it runs on to rounding.
"""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch

from saddlebench.bench.build import build

from .waves import MISSING, RUNS, Waves, assert_same, played, starts

cgds = pytest.importorskip("CGDs", reason=MISSING)
pytestmark = pytest.mark.peers
STEPS = 200
NAME = "adaptive-competitive-gradient"
EXACT = {"tol": 1e-30, "atol": 1e-60}
ZERO_SUM = {
    "bilinear": build("game", {"bilinear": {"matrix": [[1.0, 0.5], [-0.3, 2.0], [0.4, 0.1]]}}),
    "quadratic": build(
        "game",
        {"quadratic": {"p": [[0.5, 0.1], [0.1, 0.2]], "matrix": [[1.0, -2.0], [0.5, 0.3]], "q": [[0.1, 0.0], [0.0, 0.3]]}},
    ),
    "nonlinear": Waves(3, (3, 2)),
}


@pytest.fixture(autouse=True)
def double_precision():
    """The package begins its solves at a zero vector of torch's default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def leaves(game, run):
    return [torch.tensor(w[run], requires_grad=True) for w in starts(game)]


def value(game, w, player=0):
    return game.losses(tuple(p[None] for p in w), None, ())[player][0]


def theirs(game, make, steps=STEPS, forget=True):
    """The package's trajectories; ``forget``: every solve begins at 0, not at the last solution."""
    runs = []
    for run in range(RUNS):
        x, y = w = leaves(game, run)
        optimizer, seen = make(y, x), []
        for _ in range(steps):
            if forget:
                optimizer.state.update(old_max=None, old_min=None)
            optimizer.step(value(game, w))
            seen.append([p.detach().clone() for p in w])
        runs.append([torch.stack(p) for p in zip(*seen, strict=True)])
    return tuple(torch.stack(p, 1).numpy() for p in zip(*runs, strict=True))


@pytest.mark.parametrize("game", ZERO_SUM)
@pytest.mark.parametrize("rates", [(0.1, 0.1), (0.05, 0.3)])
def test_competitive_gradient(game, rates):
    game, (x, y) = ZERO_SUM[game], rates
    ours = played(game, "competitive-gradient", {"step_size": [x, y], "tolerance": 1e-15}, STEPS)
    assert_same(ours, theirs(game, lambda up, down: cgds.BCGD([up], [down], lr_max=y, lr_min=x, **EXACT)))


@pytest.mark.parametrize("game", ZERO_SUM)
@pytest.mark.parametrize(("rates", "epsilon"), [((0.01, 0.01), 0.1), ((0.01, 0.03), 0.1), ((0.0005, 0.001), 1e-5)])
def test_adaptive_competitive_gradient(game, rates, epsilon):
    """Away from the equilibrium, or with an ε that damps what near it amplifies rounding: division by a vanishing √s."""
    game, (x, y) = ZERO_SUM[game], rates
    ours = played(game, NAME, {"step_size": [x, y], "epsilon": epsilon, "tolerance": 1e-15}, STEPS)
    assert_same(ours, theirs(game, lambda up, down: cgds.ACGD([up], [down], lr_max=y, lr_min=x, eps=epsilon, **EXACT)))


def test_the_package_s_defaults_solve_to_a_residual_of_1e_6_only():
    game = ZERO_SUM["nonlinear"]
    ours = played(game, NAME, {"step_size": 0.01, "epsilon": 0.1}, STEPS)
    default = theirs(game, lambda up, down: cgds.ACGD([up], [down], lr_max=0.01, lr_min=0.01, eps=0.1), forget=False)
    gap = max(np.abs(x - y).max() for x, y in zip(ours, default, strict=True))
    assert 1e-10 < gap < 1e-4


def test_momentum_of_the_package_does_not_run():
    """Its average begins as the float 0.0, of which it then asks a tensor's method."""
    x, y = w = leaves(ZERO_SUM["nonlinear"], 0)
    optimizer = cgds.BCGD([y], [x], momentum=0.5)
    with pytest.raises(AttributeError, match="'float' object has no attribute 'mul'"):
        optimizer.step(value(ZERO_SUM["nonlinear"], w))


def test_warm_starts_of_the_package_cost_an_iteration_that_one_number_a_player_does_not_have():
    """Its solve takes size − 1 iterations after a warm start, so on xy the second step takes none and fails."""
    game = build("game", "bilinear")
    with pytest.raises(UnboundLocalError):
        theirs(game, lambda up, down: cgds.BCGD([up], [down], lr_max=0.1, lr_min=0.1, **EXACT), 2, forget=False)
    assert np.isfinite(played(game, "competitive-gradient", {}, 2)).all()


@pytest.mark.filterwarnings("ignore:torch.triangular_solve is deprecated")
def test_adaptive_competitive_gradient_of_two_losses():
    game = Waves(5, (3, 2), zero_sum=False)
    runs = []
    for run in range(RUNS):
        x, y = w = leaves(game, run)
        optimizer, seen = cgds.GACGD([x], [y], lr_x=0.01, lr_y=0.02, eps=0.1, tol=1e-15, atol=1e-18), []
        for _ in range(STEPS):
            with redirect_stdout(io.StringIO()):  # it prints where it took all its iterations
                optimizer.step(value(game, w, 0), value(game, w, 1))
            seen.append([p.detach().clone() for p in w])
        runs.append([torch.stack(p) for p in zip(*seen, strict=True)])
    found = tuple(torch.stack(p, 1).numpy() for p in zip(*runs, strict=True))
    ours = played(game, NAME, {"step_size": [0.01, 0.02], "epsilon": 0.1, "tolerance": 1e-15}, STEPS)
    assert_same(ours, found)
