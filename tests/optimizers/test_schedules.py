"""Who moves when: two time scales and adaptive alternation."""

import pytest
import torch

import saddlebench
from saddlebench.bench.build import build
from saddlebench.bench.contracts.arenas import Arena
from saddlebench.bench.contracts.playing import advance, begin, difference, oracle_of, seeds_of

from .trajectories import any_game, optimizer, same_trajectory


def test_two_time_scales_are_a_preset_of_step_sizes():
    assert same_trajectory(Arena(), optimizer("two-time-scale"), optimizer("adam", step_size=[1e-4, 4e-4], betas=[0.0, 0.9]))
    plain = {"two-time-scale": {"step_size": [0.05, 0.2], "rule": "gradient"}}
    assert saddlebench.spectral_radius("bilinear", plain) == pytest.approx((1 + 0.05 * 0.2) ** 0.5, rel=1e-12)
    assert "3 players" in build("optimizer", "two-time-scale").applies_to(Arena((2, 3, 2), zero_sum=False))


@any_game
def test_a_threshold_that_all_pass_is_the_fixed_schedule_and_one_that_none_passes_freezes_the_others(game_of):
    game = game_of(5)
    eager = optimizer("adaptive-alternating-gradient", step_size=0.05, most=3, threshold=1e-300)
    assert same_trajectory(game, eager, optimizer("alternating-gradient", step_size=0.05, schedule=[1, 1, 1, 0]))
    lazy = optimizer("adaptive-alternating-gradient", threshold=1e300, rule="momentum")
    start = begin(game, lazy, seeds_of(3))
    end = advance(game, lazy, start, 5)
    assert difference(end.w[1:], start.w[1:]) == 0
    assert difference(end.w[:1], start.w[:1]) > 0


def test_a_player_moves_exactly_where_its_gradient_is_the_larger():
    game, method = build("game", "quadratic"), optimizer("adaptive-alternating-gradient", most=1, threshold=1.0)
    play = begin(game, method, seeds_of(64))
    v = oracle_of(game, play).field(play.w)
    after = advance(game, method, play, 1)
    larger = v[1].norm(dim=-1) > v[0].norm(dim=-1)
    assert 0 < int(larger.sum()) < 64
    assert torch.equal((after.w[1] != play.w[1]).any(-1), larger)
