"""The quadratic game's gap against a maximisation and a minimisation by scipy."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from saddlebench.bench.build import build

P, A, Q = [[2.0, 0.3], [0.3, 1.0]], [[1.0, -2.0, 0.5], [0.0, 1.5, 1.0]], [[1.0, 0, 0.2], [0, 3.0, 0], [0.2, 0, 0.5]]


def test_the_gap_is_best_reply_against_best_reply():
    game = build("game", {"quadratic": {"p": P, "matrix": A, "q": Q}})
    x, y = np.array([0.7, -1.1]), np.array([0.4, 0.2, -0.9])

    def f(x, y):
        return float(game.losses((torch.tensor(x)[None], torch.tensor(y)[None]), None, ())[0])

    best_y = -minimize(lambda v: -f(x, v), y, tol=1e-12).fun
    best_x = minimize(lambda v: f(v, y), x, tol=1e-12).fun
    gap = float(game.gap((torch.tensor(x)[None], torch.tensor(y)[None]), ()))
    assert gap == pytest.approx(best_y - best_x, rel=1e-8)


def test_without_strong_convexity_there_is_no_gap():
    game = build("game", {"quadratic": {"p": [[-1.0]], "matrix": [[1.0]], "q": [[1.0]]}})
    assert game.gap((torch.zeros(1, 1), torch.zeros(1, 1)), ()) is None
