"""Distances to the nearest of many equilibria, against a numerical search for the nearest point."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import saddlebench as sb
from saddlebench.bench.build import build
from saddlebench.bench.contracts import GAME_CHECKS
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.games.draws import normal

SEEDS = torch.arange(6)
SIGMA = [[2.0, 0.5], [0.5, 1.0]]
SEVERAL = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]  # the second and third columns are alike: a segment of equilibria


@pytest.mark.parametrize(
    "spec",
    [
        {"torus": {"phi": [0.3, -0.8]}},
        {"covariance-gan": {"covariance": SIGMA, "start": "normal"}},
        {"covariance-gan": {"covariance": SIGMA, "penalty": 0.5}},
        {"matrix-game": {"payoff": SEVERAL}},
    ],
    ids=str,
)
def test_the_contract_holds(spec):
    failed = [f for f in run_checks(GAME_CHECKS, build("game", spec)) if f.status == "failed"]
    assert not failed, failed


@pytest.mark.parametrize(("alpha", "phi"), [((1.0, 1.3), (math.pi / 8, math.pi / 8)), ((0.7, 2.0), (0.3, -0.8)), ((3, 2), (1, 1))])
def test_the_torus_knows_all_its_equilibria(alpha, phi):
    """The gap vanishes there, and a descent of the gap from anywhere ends at one of them."""
    game = build("game", {"torus": {"alpha": list(alpha), "phi": list(phi)}})
    rest = torch.as_tensor(game.equilibria)
    assert float(game.gap(rest.split(1, -1), ()).max()) < 1e-14

    def gap(w):
        return float(game.gap(torch.as_tensor(w)[None].split(1, -1), ()))

    def distance(w):
        return float(game.equilibrium_distance(torch.as_tensor(w)[None].split(1, -1), SEEDS[:1]))

    starts = np.mgrid[-3:3:5j, -3:3:5j].reshape(2, -1).T
    ends = [minimize(gap, w, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-18}) for w in starts]
    found = np.array([e.x for e in ends if e.fun < 1e-14])
    assert len(found) >= 5
    assert max(distance(w) for w in found) < 1e-6
    apart = np.abs(np.exp(1j * found)[:, None] - np.exp(1j * rest.numpy())).sum(-1)
    attracted = len(set(apart.argmin(-1).tolist()))
    assert attracted >= (2 if phi[0] == phi[1] and min(alpha) == 1 else 1)
    # along the shorter arc
    turned = rest[:1] + torch.tensor([[2 * math.pi + 0.3, -0.4]])
    assert float(game.equilibrium_distance(turned.split(1, -1), SEEDS[:1])) == pytest.approx(0.5)


@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_the_covariance_gans_distance_is_that_to_its_orbit(penalty):
    game = build("game", {"covariance-gan": {"covariance": SIGMA, "penalty": penalty, "start": "normal"}})
    w = tuple(normal(SEEDS, f"w {i}", 4) for i in (0, 1))
    root = np.linalg.cholesky(np.array(SIGMA))  # any root: the orbit is the same

    for r, found in enumerate(game.equilibrium_distance(w, SEEDS).tolist()):
        v, other = (x[r].view(2, 2).numpy() for x in w)

        def away(p, flip, v=v, other=other):
            turn = np.array([[math.cos(p[0]), -math.sin(p[0])], [math.sin(p[0]), math.cos(p[0])]]) @ np.diag([1, flip])
            skew = 0.0 if penalty else np.array([[0, p[1]], [-p[1], 0]])
            return math.sqrt(((v - root @ turn) ** 2).sum() + ((other - skew) ** 2).sum())

        nearest = min(minimize(away, (angle, 0.0), args=(flip,)).fun for angle in range(6) for flip in (1, -1))
        assert found == pytest.approx(nearest, rel=1e-6)


def test_matrix_games_measure_to_the_nearest_of_many_equilibria():
    game = build("game", {"matrix-game": {"payoff": SEVERAL}})
    assert game.equilibrium(SEEDS) is None
    w = game.initial(SEEDS)
    loss = -np.array(SEVERAL)
    for r, found in enumerate(game.equilibrium_distance(w, SEEDS).tolist()):
        x, y = (z[r].numpy() for z in w)
        # value −½: x = (½, ½), y = (½, s, ½ − s)
        nearest = min(np.linalg.norm(np.concatenate([x - 0.5, y - [0.5, s, 0.5 - s]])) for s in np.linspace(0, 0.5, 20_001))
        assert found == pytest.approx(nearest, abs=1e-8)
        assert (loss @ y).min() <= -0.5 <= (loss.T @ x).max()
    # one equilibrium: the distance is that to it
    drawn = build("game", {"matrix-game": {"shape": [4, 3]}})
    w = drawn.initial(SEEDS)
    rest = torch.cat(drawn.equilibrium(SEEDS), -1)
    torch.testing.assert_close(drawn.equilibrium_distance(w, SEEDS), (torch.cat(w, -1) - rest).norm(dim=-1), rtol=1e-7, atol=1e-9)


def test_a_lost_run_does_not_touch_the_others():
    for spec in ({"covariance-gan": {"covariance": SIGMA, "start": "normal"}}, {"matrix-game": {"payoff": SEVERAL}}, "torus"):
        game = build("game", spec)
        w = game.initial(SEEDS)
        broken = tuple(x.clone() for x in w)
        broken[0][2] = torch.nan
        keep = SEEDS != 2
        assert game.equilibrium_distance(broken, SEEDS)[2].isnan()
        assert torch.equal(game.equilibrium_distance(broken, SEEDS)[keep], game.equilibrium_distance(w, SEEDS)[keep])


@pytest.mark.parametrize(
    ("game", "optimizer", "steps"),
    [
        ({"matrix-game": {"payoff": SEVERAL}}, {"projected-extragradient": {"step_size": 0.5}}, 500),
        ({"covariance-gan": {"covariance": SIGMA, "start": "normal"}}, {"extragradient": {"step_size": 0.05}}, 4000),
        ("torus", {"simultaneous-gradient": {"step_size": 0.1}}, 2000),
    ],
    ids=str,
)
def test_runs_are_judged_by_the_distance_to_the_nearest(game, optimizer, steps):
    found = sb.run(game, optimizer, seeds=3, steps=steps)
    assert found.runs.status.tolist() == ["converged"] * 3
    assert (found.runs.final_distance < 1e-5).all()
