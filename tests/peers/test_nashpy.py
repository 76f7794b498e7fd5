"""Nashpy: fictitious play, replicator dynamics, equilibria.

Our matrix games are losses M = −payoff of the row player; Nashpy takes both players' payoffs, (payoff, −payoff).
"""

import itertools

import numpy as np
import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, seeds_of

from .waves import MISSING, played

nashpy = pytest.importorskip("nashpy", reason=MISSING)
pytestmark = pytest.mark.peers
STEPS = 500
ROCK_PAPER_SCISSORS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def game_of(payoff):
    return build("game", {"matrix-game": {"payoff": np.asarray(payoff, dtype=float).tolist()}})


def counts_of(game, start, steps):
    """Our counts after every step, an array ``(steps + 1, actions)`` a player."""
    method = build("optimizer", "fictitious-play")
    play = begin(game, method, seeds_of(1), tuple(torch.tensor(x, dtype=torch.float64)[None] for x in start))
    seen = [play.state.counts]
    for _ in range(steps):
        play = advance(game, method, play, 1)
        seen.append(play.state.counts)
    return tuple(torch.cat(x).numpy() for x in zip(*seen, strict=True))


def assert_fictitious_play_agrees(payoff):
    start = [np.eye(n, dtype=int)[0] for n in payoff.shape]
    found = nashpy.Game(payoff, -payoff).fictitious_play(iterations=STEPS, play_counts=start)
    for ours, theirs in zip(counts_of(game_of(payoff), start, STEPS), zip(*found, strict=True), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert all((x[-1] > 0).sum() > 1 for x in counts_of(game_of(payoff), start, STEPS))


@pytest.mark.parametrize("seed", range(6))
def test_fictitious_play_without_ties_is_count_by_count_the_same(seed):
    rng = np.random.default_rng(seed)
    payoff = rng.normal(size=rng.integers(2, 6, size=2))
    payoff[:2, :2] += [[4, -4], [-4, 4]]  # near matching pennies: no action is best for ever
    assert_fictitious_play_agrees(payoff)


@pytest.mark.parametrize("payoff", [ROCK_PAPER_SCISSORS, np.array([[1, -1], [-1, 1]])], ids=["rps", "matching pennies"])
def test_ties_are_the_only_difference_nashpy_draws_and_we_take_the_lowest_index(payoff, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(np.random, "choice", min)
        assert_fictitious_play_agrees(payoff)
    offered = []

    def draw(actions):
        offered.append(len(actions))
        return actions[-1]

    monkeypatch.setattr(np.random, "choice", draw)
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        assert_fictitious_play_agrees(payoff)
    assert max(offered) > 1


@pytest.mark.parametrize("seed", range(3))
def test_multiplicative_weights_become_the_replicator_dynamics(seed):
    """x_i⁺ ∝ x_i e^{−ηg_i} is an Euler step of size η in log x: at a fixed time the distance to the flow falls like η."""
    payoff = np.random.default_rng(seed).normal(size=(3, 4))
    start = tuple(torch.softmax(torch.arange(n, dtype=torch.float64), 0)[None] for n in payoff.shape)
    flow = nashpy.Game(payoff, -payoff).asymmetric_replicator_dynamics(
        x0=start[0][0].numpy(), y0=start[1][0].numpy(), timepoints=np.linspace(0, 2, 5)
    )
    gaps, extrapolated, last = [], [], None
    for steps in (100, 200, 400, 800):
        seen = played(game_of(payoff), "multiplicative-weights", {"step_size": 2 / steps}, steps, w=start)
        ends = [x[-1, 0] for x in seen]
        gaps.append(max(np.abs(x - f[-1]).max() for x, f in zip(ends, flow, strict=True)))
        if last is not None:
            extrapolated.append(max(np.abs(2 * x - x0 - f[-1]).max() for x, x0, f in zip(ends, last, flow, strict=True)))
        last = ends
    assert all(1.8 < a / b < 2.2 for a, b in itertools.pairwise(gaps))
    assert extrapolated[-1] < 1e-5


@pytest.mark.parametrize("seed", range(5))
def test_the_equilibrium_that_optimizers_are_measured_against(seed):
    payoff = np.random.default_rng(100 + seed).normal(size=(4, 4))
    (x, y), *others = nashpy.Game(payoff, -payoff).vertex_enumeration()  # its support enumeration misses two of these five
    assert not others
    for ours, theirs in zip(game_of(payoff).equilibrium(seeds_of(1)), (x, y), strict=True):
        np.testing.assert_allclose(ours[0].numpy(), theirs, atol=1e-10)
