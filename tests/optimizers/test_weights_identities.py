"""Multiplicative weights, plain and optimistic, on rock-paper-scissors."""

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import oracle_of

from .trajectories import (
    STEPS,
    few,
    optimizer,
    rate,
    same_trajectory,
    trajectory,
)


def rps_trajectory(name, steps=STEPS, **parameters):
    game = build("game", "rock-paper-scissors")
    plays = trajectory(game, optimizer(name, **parameters), steps)
    return plays, [oracle_of(game, p).field(p.w) for p in plays]


@few
@given(eta=rate)
def test_multiplicative_weights_depend_on_the_sum_of_gradients_alone(eta):
    for name, recency in (("multiplicative-weights", 0), ("optimistic-multiplicative-weights", 1)):
        plays, fields = rps_trajectory(name, step_size=eta)
        for i in range(2):
            total = sum(f[i] for f in fields[:-1]) + recency * fields[-2][i]
            wanted = (plays[0].w[i].log() - eta * total).softmax(-1)
            torch.testing.assert_close(plays[-1].w[i], wanted, rtol=1e-11, atol=1e-13)


@few
@given(eta=st.floats(0.02, 0.3))
def test_multiplicative_weights_move_away_from_the_interior_equilibrium_and_optimism_returns(eta):
    def divergence(play):
        return -torch.stack([x.log().mean(-1) for x in play.w]).sum(0)  # KL(uniform‖x) + KL(uniform‖y) up to a constant

    away = [divergence(p) for p in rps_trajectory("multiplicative-weights", step_size=eta)[0]]
    assert all((b > a).all() for a, b in itertools.pairwise(away))
    back = [divergence(p) for p in rps_trajectory("optimistic-multiplicative-weights", 400, step_size=eta)[0]]
    assert (back[-1] < back[0]).all()


def test_optimism_zero_is_plain_multiplicative_weights():
    game = build("game", "rock-paper-scissors")
    plain = optimizer("multiplicative-weights")
    assert same_trajectory(game, optimizer("optimistic-multiplicative-weights", optimism=0), plain)
    assert not same_trajectory(game, optimizer("optimistic-multiplicative-weights"), plain)
