"""Matrix games: equilibria against enumeration and known ones, forms, starts, spectra against theory."""

import itertools

import numpy as np
import pytest
import torch

import saddlebench
from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import seeds_of
from saddlebench.errors import InputError
from saddlebench.games.linear_program import unique_equilibrium
from saddlebench.results.theory import predicted_radius


def by_enumeration(loss):
    """Every equilibrium whose players play equally many actions, by solving all square subgames."""
    rows, columns = loss.shape
    found = []
    for size in range(1, min(rows, columns) + 1):
        for r, c in itertools.product(itertools.combinations(range(rows), size), itertools.combinations(range(columns), size)):
            part = loss[np.ix_(r, c)]
            ends = np.append(np.zeros(size), 1.0)
            ones = np.ones((size, 1))
            systems = [np.block([[a, -ones], [ones.T, np.zeros((1, 1))]]) for a in (part, part.T)]
            if min(abs(np.linalg.det(s)) for s in systems) < 1e-12:
                continue
            x, y = np.zeros(rows), np.zeros(columns)
            y[list(c)], x[list(r)] = (np.linalg.solve(s, ends)[:-1] for s in systems)
            if min(x.min(), y.min()) >= -1e-12 and (loss.T @ x).max() - (loss @ y).min() <= 1e-12:
                found.append((x, y))
    return found


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 2), (3, 3), (2, 4), (4, 3)])
def test_linear_programming_finds_what_enumeration_finds(shape):
    for seed in range(20):
        loss = np.random.default_rng(seed).normal(size=shape)
        (wanted,) = by_enumeration(loss)
        found = unique_equilibrium(loss)
        assert found is not None
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize(
    "loss",
    [np.zeros((2, 2)), np.ones((1, 2)), [[0, 1, 1], [1, 0, 0]], [[1.0, 1.0], [2.0, 3.0]], np.eye(3)[[0, 1, 2, 2]]],
    ids=["nothing at stake", "one row", "a column twice", "two best answers", "a row twice"],
)
def test_several_equilibria_are_none(loss):
    assert unique_equilibrium(np.asarray(loss, dtype=float)) is None


def test_a_large_game_is_solved_to_rounding():
    game = build("game", {"matrix-game": {"shape": [60, 45]}})
    seeds = seeds_of(3)
    rest = game.equilibrium(seeds)
    assert game.gap(rest, game.buffers(rest, seeds)).abs().max() <= 1e-12
    assert 5 < int((rest[0] > 0).sum(-1).min()) < 45  # a mixture, not of all actions
    assert not torch.equal(rest[0][0], rest[0][1])  # a game a seed


def test_a_given_payoff_is_what_the_row_player_wins():
    game = build("game", {"matrix-game": {"payoff": [[3, -1, 0], [-2, 1, 0.5]]}})
    w = tuple(torch.tensor([x], dtype=torch.float64) for x in ([0.25, 0.75], [0.2, 0.3, 0.5]))
    wanted = np.array([0.25, 0.75]) @ np.array([[3, -1, 0], [-2, 1, 0.5]]) @ np.array([0.2, 0.3, 0.5])
    assert [float(x) for x in game.losses(w, None, game.buffers(w, seeds_of(1)))] == pytest.approx([-wanted, wanted])


def test_a_game_without_a_unique_equilibrium_is_judged_by_the_nearest():
    results = saddlebench.run([{"matrix-game": {"payoff": [[1, 1], [0, 0]]}}], ["projected-gradient"], steps=200)
    run = results.runs.iloc[0]
    assert run.status == "converged"
    assert run.final_gap <= 1e-9
    assert run.final_distance <= 1e-9


def test_logits_have_an_equilibrium_only_where_every_action_is_played():
    inner, outer = ([[3, -1], [-2, 1]], [[1, 0], [3, 2]])
    seeds = seeds_of(2)
    game = build("game", {"matrix-game": {"payoff": inner, "form": "softmax"}})
    plain = build("game", {"matrix-game": {"payoff": inner}})
    for logits, x in zip(game.equilibrium(seeds), plain.equilibrium(seeds), strict=True):
        torch.testing.assert_close(logits.softmax(-1), x)
    assert build("game", {"matrix-game": {"payoff": outer, "form": "softmax"}}).equilibrium(seeds) is None
    assert build("game", {"matrix-game": {"payoff": outer}}).equilibrium(seeds)[0][0].tolist() == [0, 1]


def test_starts():
    start = [[0.2, 0.8], [0.5, 0.5]]
    for form in ("simplex", "logit"):
        game = build("game", {"matching-pennies": {"start": start, "form": form}})
        for x, given in zip(game.strategies(game.initial(seeds_of(3))), start, strict=True):
            torch.testing.assert_close(x, torch.tensor([given] * 3, dtype=torch.float64))
    for wrong, form in (([[0.2, 0.9], [0.5, 0.5]], "simplex"), ([[1, 0, 0], [1, 0]], "simplex"), ([[1, 0], [0.5, 0.5]], "logit")):
        with pytest.raises(InputError, match="start of row"):
            build("game", {"matching-pennies": {"start": wrong, "form": form}})


@pytest.mark.parametrize(
    ("game", "optimizer"),
    [
        ({"matching-pennies": {}}, {"multiplicative-weights": {"step_size": 0.3}}),
        ({"matching-pennies": {}}, {"optimistic-multiplicative-weights": {"step_size": 0.3}}),
        ({"matching-pennies": {}}, {"projected-gradient": {"step_size": 0.2}}),
        ({"matching-pennies": {}}, {"projected-extragradient": {"step_size": 0.2}}),
        ({"matching-pennies": {"form": "logit"}}, {"extragradient": {"step_size": 0.5}}),
        ({"matching-pennies": {"form": "logit"}}, {"simultaneous-gradient": {"step_size": 0.5}}),
        ({"matching-pennies": {"form": "logit"}}, {"proximal-point": {"step_size": 0.5}}),
        ({"rock-paper-scissors": {"form": "softmax"}}, {"proximal-point": {"step_size": 0.5}}),
    ],
)
def test_the_spectrum_is_that_of_the_closed_form(game, optimizer):
    ((game_name, parameters),), ((name, hyperparameters),) = game.items(), optimizer.items()
    predicted = predicted_radius(game_name, parameters, name, hyperparameters)
    assert predicted is not None
    assert saddlebench.spectral_radius(game, optimizer) == pytest.approx(predicted, rel=1e-8)


def test_by_hand_matching_pennies():
    assert predicted_radius("matching-pennies", {}, "multiplicative-weights", {"step_size": 0.3}) == pytest.approx(1.09**0.5)
    logit = predicted_radius("matching-pennies", {"form": "logit"}, "simultaneous-gradient", {"step_size": 1.0})
    assert logit == pytest.approx((1 + 1 / 16) ** 0.5)
