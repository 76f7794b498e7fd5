"""Fictitious play and regret matching: the verified numbers on rock-paper-scissors, and each step against plain arithmetic."""

import itertools

import numpy as np
import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, seeds_of

from .trajectories import optimizer, trajectory

LOSS = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])
PURE = tuple(torch.eye(3, dtype=torch.float64)[i : i + 1] for i in (0, 1))  # rock against paper


def ended(method, steps, start=PURE):
    game = build("game", "rock-paper-scissors")
    play = advance(game, method, begin(game, method, seeds_of(1), start), steps)
    return game, play, method.answers(play.w, play.state)["average"]


@pytest.mark.parametrize(
    ("name", "parameters", "exploitability"),
    [
        ("regret-matching", {}, 0.0203),
        ("regret-matching-plus", {}, 0.00546),
        ("regret-matching-plus", {"alternating": True, "linear_averaging": True}, 3.5e-4),
        ("fictitious-play", {}, 0.0167),
    ],
)
def test_exploitability_of_the_average_after_10_000_steps(name, parameters, exploitability):
    game, _, average = ended(optimizer(name, **parameters), 10_000)
    assert float(game.gap(average, ())) == pytest.approx(exploitability, rel=4e-3)


def test_fictitious_play_in_whole_numbers():
    counts = [np.array([1, 0, 0]), np.array([0, 1, 0])]
    for _ in range(2000):
        answers = LOSS @ counts[1], -LOSS.T @ counts[0]  # integers: ties are exact, argmin takes the lowest index
        for count, loss in zip(counts, answers, strict=True):
            count[loss.argmin()] += 1
    _, play, average = ended(optimizer("fictitious-play"), 2000)
    for count, kept, mean in zip(counts, play.state.counts, average, strict=True):
        assert kept[0].tolist() == count.tolist()
        np.testing.assert_allclose(mean[0].numpy(), count / count.sum(), rtol=1e-15)


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("linear", [False, True])
def test_regret_matching_by_hand(plus, alternating, linear):
    name = "regret-matching-plus" if plus else "regret-matching"
    regrets, total, weights = [np.eye(3)[0], np.eye(3)[1]], [np.zeros(3), np.zeros(3)], 0
    w = [r.copy() for r in regrets]
    for t in range(1, 201):
        weight = t if linear else 1
        total, weights = [s + weight * x for s, x in zip(total, w, strict=True)], weights + weight
        before = [x.copy() for x in w]
        for i in range(2):
            other = (w if alternating else before)[1 - i]
            utility = -(LOSS @ other if i == 0 else -LOSS.T @ other)
            regrets[i] = regrets[i] + utility - before[i] @ utility
            regrets[i] = regrets[i].clip(0) if plus else regrets[i]
            positive = regrets[i].clip(0)
            w[i] = positive / positive.sum() if positive.sum() > 0 else np.full(3, 1 / 3)
    _, play, average = ended(optimizer(name, alternating=alternating, linear_averaging=linear), 200)
    for i in range(2):
        np.testing.assert_allclose(play.w[i][0].numpy(), w[i], rtol=0, atol=1e-10)
        np.testing.assert_allclose(average[i][0].numpy(), total[i] / weights, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["regret-matching", "regret-matching-plus"])
def test_the_first_strategies_are_the_start(name):
    start = tuple(torch.tensor([x], dtype=torch.float64) for x in ([0.2, 0.3, 0.5], [0.1, 0.1, 0.8]))
    game, play, _ = ended(optimizer(name), 0, start)
    for regrets, x in zip(play.state.regrets, start, strict=True):
        assert torch.equal(regrets, x)
    assert game.gap(start, ()) > 0


def test_a_strategy_without_positive_regret_is_uniform():
    game, method = build("game", "rock-paper-scissors"), optimizer("regret-matching")
    play = begin(game, method, seeds_of(1), PURE)
    state = play.state._replace(regrets=tuple(torch.full_like(x, -10.0) for x in PURE))
    after = advance(game, method, play._replace(state=state), 1)
    assert all(torch.equal(x, torch.full_like(x, 1 / 3)) for x in after.w)


def test_the_average_of_regret_matching_falls_like_1_over_the_root_of_t():
    game, method = build("game", "rock-paper-scissors"), optimizer("regret-matching")
    play, gaps = begin(game, method, seeds_of(8)), []
    for _ in range(3000):
        play = advance(game, method, play, 1)
        gaps.append(game.gap(method.answers(play.w, play.state)["average"], ()))
    t = torch.arange(1, 3001)[:, None]
    regret = np.sqrt(3) * 2  # Σ_t ‖⟨x,u⟩1 − u‖² ≤ n·2²·t a player
    assert (torch.stack(gaps) * t.sqrt() <= 2 * (regret + 1)).all()


@pytest.mark.parametrize("eta", [0.05, 0.3])
def test_multiplicative_weights_leave_an_interior_equilibrium_in_the_sense_of_kl_and_their_average_comes_near(eta):
    payoff = [[3.0, -1.0], [-2.0, 1.0]]
    game = build("game", {"matrix-game": {"payoff": payoff}})
    rest = game.equilibrium(seeds_of(3))
    plays = trajectory(game, optimizer("multiplicative-weights", step_size=eta), 300)
    distance = [sum((e * (e / x).log()).sum(-1) for e, x in zip(rest, p.w, strict=True)) for p in plays]
    assert all((b > a).all() for a, b in itertools.pairwise(distance))
    mean = tuple(torch.stack([p.w[i] for p in plays[:-1]]).mean(0) for i in range(2))
    regret = -sum(x.amin(-1).log() for x in plays[0].w) / (eta * 300) + 2 * eta * 5**2 / 8  # losses of a step differ by 5 at most
    assert (game.gap(mean, game.buffers(mean, seeds_of(3))) <= regret).all()
