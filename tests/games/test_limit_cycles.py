"""Forsaken and the almost bilinear game: critical point, the cycles of their flows, the box."""

import numpy as np
import pytest
import torch

import saddlebench as sb
from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle

SEED = torch.tensor([0])


def series(result, measure="distance"):
    rows = result.trace[(result.trace.measure == measure) & (result.trace.answer == "last")]
    return rows.sort_values("step")["value"].to_numpy(dtype=float)


def flow(spec, start, time, h=0.02):
    """dw/dt = −v(w) by the classical Runge–Kutta method, every point."""
    game, w = build("game", spec), torch.tensor(start, dtype=torch.float64)

    def speed(w):
        return -torch.stack([v[0, 0] for v in Oracle.at_step(game, SEED, 0, (), Counts(2)).field(tuple(w[:, None, None]))])

    path = []
    for _ in range(round(time / abs(h))):
        a = speed(w)
        b = speed(w + h / 2 * a)
        c = speed(w + h / 2 * b)
        w = w + h / 6 * (a + 2 * b + 2 * c + speed(w + h * c))
        path.append(w.tolist())
    return np.array(path)


def test_forsakens_critical_point_is_known_to_full_precision():
    game = build("game", "forsaken")
    w = game.equilibrium(SEED)
    assert [float(x) for x in w] == pytest.approx([0.0780266691, 0.4119338511], abs=1e-9)
    assert max(float(v.abs()) for v in Oracle.at_step(game, SEED, 0, (), Counts(2)).field(w)) < 1e-15
    radii = [sb.spectral_radius(game, {"projected-gradient": {"step_size": 0.10828 + e}}) for e in (-1e-4, 1e-4)]
    assert radii[0] < 1 < radii[1]


def test_the_cycles_of_forsakens_flow():
    rest = np.array([float(x) for x in build("game", "forsaken").equilibrium(SEED)])
    path = flow({"forsaken": {}}, (1.0, 0.0), 60)
    attracting = np.linalg.norm(path[1500:] - rest, axis=-1)
    assert [attracting.min(), attracting.max()] == pytest.approx([0.9226, 1.9172], abs=2e-3)
    assert np.abs(path).max() < 1.5  # the box is never met
    # backwards in time the repelling cycle attracts
    repelling = np.linalg.norm(flow({"forsaken": {}}, (0.1, 0.45), 300, -0.05)[-1000:] - rest, axis=-1)
    assert [repelling.min(), repelling.max()] == pytest.approx([0.121, 0.299], abs=2e-3)


def test_without_the_box_forsaken_is_the_same_game():
    bounded, free = (
        sb.run({"forsaken": {"start": [1.0, 0.0], "box": box}}, {name: {"step_size": 0.01}}, seeds=1, steps=500)
        for box, name in ((True, "projected-gradient"), (False, "simultaneous-gradient"))
    )
    assert series(bounded) == pytest.approx(series(free), abs=0)


@pytest.mark.parametrize("start", [(0.5, 0.0), (2.0, 0.0)])
def test_almost_bilinear_is_drawn_to_a_cycle_from_both_sides(start):
    radius = np.linalg.norm(flow({"almost-bilinear": {}}, start, 100)[-500:], axis=-1)
    assert [radius.min(), radius.max()] == pytest.approx([1.143, 1.168], abs=2e-3)
