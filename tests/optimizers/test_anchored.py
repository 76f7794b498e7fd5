"""Anchored methods: the published bounds on random bilinear games, and what the anchor does."""

import numpy as np
import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, difference, oracle_of, seeds_of

from .trajectories import optimizer

STEPS = 300


def squares(game, method):
    """‖v(w_k)‖², k = 0, …, and ‖w₀ − w*‖², a column a run; all games here rest at 0."""
    play, found = begin(game, method, seeds_of(4)), []
    start = sum((x**2).sum(-1) for x in play.w)
    for _ in range(STEPS + 1):
        found.append(sum((v**2).sum(-1) for v in oracle_of(game, play).field(play.w)))
        play = advance(game, method, play, 1)
    return torch.stack(found), start


def games():
    rng = np.random.default_rng(0)
    for size in (1, 2, 4):
        matrix = rng.normal(size=(size, size))
        yield build("game", {"bilinear": {"matrix": matrix.tolist()}}), np.linalg.norm(matrix, 2)
    p = np.diag([0.5, 0.01]).tolist()
    yield build("game", {"quadratic": {"p": p, "matrix": [[1.0, 0.0], [0.3, 0.2]], "q": p}}), 1.6


@pytest.mark.parametrize("name", ["anchored-extragradient", "varying-anchored-extragradient"])
def test_the_bounds_of_the_paper_hold(name):
    k = torch.arange(STEPS + 1)[:, None]
    for game, lipschitz in games():
        if name == "anchored-extragradient":
            found, start = squares(game, optimizer(name, step_size=1 / (8 * lipschitz)))
            bound = 260 * lipschitz**2 * start / (k + 1) ** 2
        else:
            found, start = squares(game, optimizer(name, step_size=0.618 / lipschitz))
            bound = 27 * lipschitz**2 * start / ((k + 1) * (k + 2))
        assert (found <= bound).all()
        assert (found[-1] * (k[-1] + 1) ** 2 >= lipschitz**2 * start * 1e-6).all()  # no accident: it is of this order


def test_the_varying_step_size_settles_at_0_437_over_l():
    game, method = build("game", "bilinear"), optimizer("varying-anchored-extragradient")
    play = advance(game, method, begin(game, method, seeds_of(1)), 2000)
    assert float(play.state.reach) == pytest.approx(0.43656, abs=1e-4)


def test_the_first_steps_are_the_formula():
    game, method = build("game", "quadratic"), optimizer("anchored-extragradient", step_size=0.1)
    play = begin(game, method, seeds_of(2))
    anchor = play.w
    for k in range(5):
        oracle, w = oracle_of(game, play), play.w
        base = tuple(x + (a - x) / (k + 2) for x, a in zip(w, anchor, strict=True))
        half = tuple(x - 0.1 * v for x, v in zip(base, oracle.field(w), strict=True))
        wanted = tuple(x - 0.1 * v for x, v in zip(base, oracle.field(half), strict=True))
        play = advance(game, method, play, 1)
        assert difference(play.w, wanted) <= 1e-14


def test_halpern_over_the_resolvent_converges_like_1_over_k():
    game, method = build("game", "bilinear"), optimizer("halpern", base={"proximal-point": {"step_size": 1.0}})
    plays = [begin(game, method, seeds_of(3))]
    for _ in range(400):
        plays.append(advance(game, method, plays[-1], 1))
    resolvent = build("optimizer", {"proximal-point": {"step_size": 1.0}})
    for k, play in enumerate(plays):
        moved = advance(game, resolvent, begin(game, resolvent, seeds_of(3), play.w), 1).w
        residual = torch.cat([x - y for x, y in zip(play.w, moved, strict=True)], -1).norm(dim=-1)
        # Lieder 2021: ‖w_k − T w_k‖ ≤ 2‖w₀ − w*‖/(k+1)
        assert (residual <= 2 / (k + 1) * torch.cat(plays[0].w, -1).norm(dim=-1) + 1e-12).all()


def test_the_anchored_gradient_converges_where_the_plain_one_circles_away():
    game = build("game", "bilinear")
    sizes = {}
    for name, parameters in {"anchored-gradient": {}, "simultaneous-gradient": {"step_size": 0.1}}.items():
        method = optimizer(name, **parameters)
        start = begin(game, method, seeds_of(3))
        end = advance(game, method, start, 5000)
        sizes[name] = torch.cat(end.w, -1).norm(dim=-1) / torch.cat(start.w, -1).norm(dim=-1)
    wanted = 2.0 * 5000 ** (0.6 - 1)  # where the pull and the field balance: γ k^{p−1} ‖w₀‖
    torch.testing.assert_close(sizes["anchored-gradient"], torch.full((3,), wanted, dtype=torch.float64), rtol=0.05, atol=0)
    assert (sizes["simultaneous-gradient"] > 1e6).all()
