"""Phase portraits: the flow against closed forms, trajectories against the runner's, one clear line for other games."""

import numpy as np
import pytest
import torch

import saddlebench
from saddlebench.bench.build import build
from saddlebench.bench.portrait import flow, portrait, trajectories
from saddlebench.errors import InputError


def test_flow_is_minus_the_field():
    x, y = np.linspace(-1, 1, 3), np.linspace(0, 2, 5)
    across, up = np.meshgrid(x, y)
    np.testing.assert_allclose(flow(build("game", "bilinear"), x, y), np.stack((-up, across), -1))


KINDS = {
    "bilinear": "centre",
    "dirac-gan": "centre",
    "forsaken": "stable focus",
    "almost-bilinear": "unstable focus",
    "weak-repellor": "unstable focus",
    "consensus-failure": "unstable star",
}


@pytest.mark.parametrize("game", KINDS)
def test_kind_of_the_fixed_point(game):
    assert portrait(build("game", game), []).kind == KINDS[game]


def test_trajectories_are_those_of_runs():
    game, optimizer = build("game", "almost-bilinear"), build("optimizer", "optimistic-gradient")
    seeds = torch.arange(3)
    paths = trajectories(game, optimizer, seeds, game.initial(seeds), 40)
    result = saddlebench.run("almost-bilinear", "optimistic-gradient", seeds=3, steps=40, checkpoints=[0, 7, 40])
    radius = result.trace.query("measure == 'radius' and answer == 'last'").merge(result.runs[["cell", "seed"]], on="cell")
    for _, row in radius.iterrows():
        assert np.linalg.norm(paths[row["seed"]][row["step"]]) == pytest.approx(row["value"], rel=1e-12)
    assert len(radius) == 9


def test_a_start_is_where_a_trajectory_begins_and_one_that_is_lost_ends():
    game = build("game", "bilinear")
    wild = build("optimizer", {"simultaneous-gradient": {"step_size": 1e3}})
    found = portrait(game, [("wild", wild)], [(1.0, 0.0), (0.0, 0.0)], steps=200)
    (_, lost), (_, still) = found.trajectories
    assert lost[0].tolist() == [1.0, 0.0]
    assert np.isfinite(lost).all()
    assert 2 < len(lost) < 201 == len(still)
    assert not still.any()
    assert found.x[-1] <= 3  # the window does not follow it
    assert found.equilibrium is not None
    assert found.equilibrium.tolist() == [0.0, 0.0]


def test_any_other_game_is_refused():
    with pytest.raises(InputError, match=r"two players with one number each, and four-player has 1 \+ 1 \+ 1 \+ 1 numbers"):
        portrait(build("game", "four-player"), [])
