"""OpenSpiel: regret matching, CFR, fictitious play, projected replicator dynamics' projection, exploitability.

Our matrix games are losses M = −payoff of the row player; OpenSpiel takes both players' payoffs.
"""

import numpy as np
import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, seeds_of

from .waves import MISSING

pyspiel = pytest.importorskip("pyspiel", reason=MISSING)
pytestmark = pytest.mark.peers

PAYOFFS = {
    "rock-paper-scissors": np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]),
    "matching pennies": np.array([[1.0, -1], [-1, 1]]),
    "random 3×3": np.random.default_rng(1).normal(size=(3, 3)),
    "random 2×5": np.random.default_rng(3).normal(size=(2, 5)),
    "random 6×4": np.random.default_rng(4).normal(size=(6, 4)),
}
RANDOM = [name for name in PAYOFFS if name.startswith("random")]


def game_of(payoff):
    return build("game", {"matrix-game": {"payoff": payoff.tolist()}})


def turn_based(payoff):
    return pyspiel.convert_to_turn_based(pyspiel.create_matrix_game(payoff.tolist(), (-payoff).tolist()))


def points(payoff):
    """A mixed start a player."""
    return [np.exp(np.cos(np.arange(n) + n)) / np.exp(np.cos(np.arange(n) + n)).sum() for n in payoff.shape]


def tensors(arrays):
    return tuple(torch.tensor(x, dtype=torch.float64)[None] for x in arrays)


def averages(payoff, name, parameters, start, state, steps):
    """The average after every step, an array ``(steps, actions)`` a player; ``state``: fields of the state before the first."""
    game, method = game_of(payoff), build("optimizer", {name: parameters})
    play, seen = begin(game, method, seeds_of(1), tensors(start)), []
    play = play._replace(state=play.state._replace(**state))
    for _ in range(steps):
        play = advance(game, method, play, 1)
        seen.append(method.answers(play.w, play.state)["average"])
    return [torch.cat(x).numpy() for x in zip(*seen, strict=True)]


@pytest.mark.parametrize("payoff", PAYOFFS)
def test_regret_matching(payoff):
    """Regrets that begin at 10⁻⁶, as theirs do, and γ = 0 for their exploration."""
    from open_spiel.python.algorithms.regret_matching import regret_matching

    payoff, steps = PAYOFFS[payoff], 250
    start = points(payoff)
    begun = {"regrets": tensors([np.full(n, 1e-6) for n in payoff.shape])}
    ours = averages(payoff, "regret-matching", {}, start, begun, steps)
    for t in range(1, steps, 7):  # after t iterations their average is that of w_0, …, w_t
        theirs = regret_matching([payoff, -payoff], [x.copy() for x in start], t, gamma=0.0)
        for x, y in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(x[t], y, rtol=1e-10, atol=1e-10)


def test_exploration_of_their_default_moves_the_average_by_its_size():
    from open_spiel.python.algorithms.regret_matching import regret_matching

    payoff, steps = PAYOFFS["random 6×4"], 200
    begun = {"regrets": tensors([np.full(n, 1e-6) for n in payoff.shape])}
    ours = averages(payoff, "regret-matching", {}, points(payoff), begun, steps + 1)
    theirs = regret_matching([payoff, -payoff], points(payoff), steps)
    gap = max(np.abs(x[-1] - y).max() for x, y in zip(ours, theirs, strict=True))
    assert 1e-10 < gap < 1e-3


@pytest.mark.parametrize("payoff", PAYOFFS)
@pytest.mark.parametrize("plus", [False, True], ids=["", "+"])
@pytest.mark.parametrize("alternating", [False, True], ids=["simultaneous", "alternating"])
@pytest.mark.parametrize("linear", [False, True], ids=["uniform", "linear"])
def test_counterfactual_regret_minimisation_of_a_matrix_game_is_regret_matching(payoff, plus, alternating, linear):
    from open_spiel.python.algorithms.cfr import _CFRSolver  # CFR and CFR+ are two of its eight settings

    payoff, steps = PAYOFFS[payoff].copy(), 200
    if payoff.shape == (3, 3) or payoff.shape == (2, 2):  # whole numbers meet kinks of max(R, 0), where rounding decides
        payoff = payoff + np.random.default_rng(9).normal(size=payoff.shape) / 3
    solver, seen = _CFRSolver(turn_based(payoff), alternating, linear, plus), []
    for _ in range(steps):
        solver.evaluate_and_update_policy()
        table = solver.average_policy().action_probability_array
        seen.append([table[i][: payoff.shape[i]].copy() for i in range(2)])
    zero = {"regrets": tensors([np.zeros(n) for n in payoff.shape])}
    uniform = [np.full(n, 1 / n) for n in payoff.shape]
    settings = {"alternating": alternating, "linear_averaging": linear}
    ours = averages(payoff, "regret-matching-plus" if plus else "regret-matching", settings, uniform, zero, steps)
    for x, y in zip(ours, zip(*seen, strict=True), strict=True):
        np.testing.assert_allclose(x, np.array(y), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("payoff", RANDOM)
def test_fictitious_play(payoff):
    """Theirs begins with one uniform play, so our counts do too; drawn payoffs have no ties."""
    from open_spiel.python.algorithms.fictitious_play import XFPSolver

    payoff, steps = PAYOFFS[payoff], 200
    solver, seen = XFPSolver(turn_based(payoff)), []
    for _ in range(steps):
        solver.iteration()
        tables = solver.average_policy_tables()
        seen.append([list(next(iter(table.values())).values()) for table in tables])
    uniform = [np.full(n, 1 / n) for n in payoff.shape]
    ours = averages(payoff, "fictitious-play", {}, uniform, {"counts": tensors(uniform)}, steps)
    for x, y in zip(ours, zip(*seen, strict=True), strict=True):
        np.testing.assert_allclose(x, np.array(y), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("payoff", PAYOFFS)
def test_exploitability_is_their_nash_conv(payoff):
    from open_spiel.python import policy
    from open_spiel.python.algorithms.exploitability import nash_conv

    payoff = PAYOFFS[payoff]
    game, theirs = game_of(payoff), turn_based(payoff)
    table = policy.TabularPolicy(theirs)
    for seed in range(5):
        profile = game.initial(seeds_of(5))
        for i, x in enumerate(profile):
            table.action_probability_array[i][:] = 0
            table.action_probability_array[i][: payoff.shape[i]] = x[seed].numpy()
        gap = game.gap(profile, game.buffers(profile, seeds_of(5)))
        assert float(gap[seed]) == pytest.approx(nash_conv(theirs, table), rel=1e-12)


def test_the_payoffs_of_the_catalogue_are_theirs():
    for name, theirs in {"rock-paper-scissors": "matrix_rps", "matching-pennies": "matrix_mp"}.items():
        game = pyspiel.load_matrix_game(theirs)
        rows = [[game.row_utility(i, j) for j in range(game.num_cols())] for i in range(game.num_rows())]
        assert np.array_equal(rows, build("game", name).rows)


@pytest.mark.parametrize("seed", range(5))
def test_projection_on_the_simplex(seed):
    from open_spiel.python.algorithms.projected_replicator_dynamics import _simplex_projection

    point = np.random.default_rng(seed).normal(size=6) * 2
    ours = build("game", {"matrix-game": {"shape": [6, 2]}}).project(0, tensors([point])[0])
    np.testing.assert_allclose(ours[0].numpy(), _simplex_projection(point), atol=1e-14)
