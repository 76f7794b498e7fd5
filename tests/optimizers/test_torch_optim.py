"""torch.optim on all players' numbers at once: the same trajectories as ours, which torch's own loop plays independently."""

import numpy as np
import pytest
import torch

from saddlebench.bench.contracts.playing import advance, begin, seeds_of

from .random_games import Derivatives, RandomGame
from .trajectories import optimizer

STEPS, RUNS = 200, 3
GAMES = {"zero-sum": RandomGame(1), "general-sum": RandomGame(2, (2, 3, 1), zero_sum=False)}
# An ε of 0.1 where a division by a vanishing √s would amplify rounding near the equilibrium.
CASES = {
    "sgd": ("simultaneous-gradient", {"step_size": 0.1}, "SGD", {"lr": 0.1}),
    "momentum": ("heavy-ball", {"step_size": 0.05, "momentum": 0.6}, "SGD", {"lr": 0.05, "momentum": 0.6}),
    "nesterov": ("nesterov", {"step_size": 0.05, "momentum": 0.7}, "SGD", {"lr": 0.05, "momentum": 0.7, "nesterov": True}),
    "adam": ("adam", {"step_size": 0.02, "epsilon": 0.1}, "Adam", {"lr": 0.02, "eps": 0.1}),
    "adam, its defaults": ("adam", {"step_size": 0.001}, "Adam", {}),
    "adamw": (
        "adam-w",
        {"step_size": 0.02, "epsilon": 0.1, "weight_decay": 0.05},
        "AdamW",
        {"lr": 0.02, "eps": 0.1, "weight_decay": 0.05},
    ),
    "rmsprop": ("rmsprop", {"step_size": 0.01, "epsilon": 0.1}, "RMSprop", {"lr": 0.01, "eps": 0.1}),
    "nadam as a rule": (
        "simultaneous-gradient",
        {"step_size": 0.02, "rule": {"torch.optim.NAdam": {"eps": 0.1}}},
        "NAdam",
        {"lr": 0.02, "eps": 0.1},
    ),
}


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("case", CASES)
def test_trajectories_agree(case, game):
    name, parameters, theirs, settings = CASES[case]
    game, method = GAMES[game], optimizer(name, **parameters)
    play = begin(game, method, seeds_of(RUNS))
    flat = torch.nn.Parameter(torch.cat(play.w, -1).clone())
    peer, start = getattr(torch.optim, theirs)([flat], **settings), play.w
    for _ in range(STEPS):
        flat.grad = torch.cat(Derivatives(game, flat.detach().split(game.sizes, -1)).v, -1).detach()
        peer.step()
        play = advance(game, method, play, 1)
        np.testing.assert_allclose(torch.cat(play.w, -1).numpy(), flat.detach().numpy(), rtol=1e-10, atol=1e-10)
    assert (torch.cat(play.w, -1) - torch.cat(start, -1)).abs().max() > 0.05
