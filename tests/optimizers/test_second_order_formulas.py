"""Methods that use second derivatives against their formulas: derivatives of scalars that the oracle knows nothing of."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlebench.bench.contracts.arenas import Arena
from saddlebench.bench.contracts.playing import advance, begin, difference, seeds_of
from saddlebench.bench.oracle import Counts

from .random_games import SOLVED, Derivatives, agrees, apply, general_sum, square, stepped, two_players, zero_sum
from .trajectories import fewer, inner, optimizer, random_seed, rate, trajectory


@fewer
@given(seed=random_seed, eta=rate, gamma=st.floats(0.01, 1))
def test_adjusted_fields_are_gradients_of_what_their_papers_say(seed, eta, gamma):
    game = general_sum(seed)
    players = range(len(game.sizes))

    def bought(d, i, through):
        """L_i less what the others' steps buy, to first order: LOLA's surrogate, or LookAhead's where they are taken as fixed."""
        pairs = ((d.of(i, j), d.of(j, j)) for j in players if j != i)
        return d.losses[i] - gamma * sum((a * (b if through else b.detach())).sum(-1) for a, b in pairs)

    formulas = {
        "hamiltonian-gradient": lambda d, i: square(d.v) / 2,
        "consensus": lambda d, i: d.losses[i] + gamma / 2 * square(d.v),
        "jare": lambda d, i: d.losses[i] + gamma / 2 * square(v for j, v in enumerate(d.v) if j != i),
        "lola": lambda d, i: bought(d, i, True),
        "lookahead": lambda d, i: bought(d, i, False),
    }
    for name, value in formulas.items():
        weight = {} if name == "hamiltonian-gradient" else {"gamma": gamma}
        method = optimizer(name, step_size=eta, **weight)
        agrees(game, method, lambda d, w, _, f=value: stepped(w, eta, [d.gradient(f(d, i), i) for i in players]))


@fewer
@given(seed=random_seed, eta=rate, gamma=st.floats(0.01, 1))
def test_gradient_norm_regulariser_is_the_generators_alone(seed, eta, gamma):
    def expected(d, w, _):
        return stepped(w, eta, [d.gradient(d.losses[0] + gamma * square([d.v[1]]), 0), d.v[1]])

    game = two_players(seed)

    def answered(d, w, last):
        x = expected(d, w, last)[0]
        return x, w[1] - eta * Derivatives(game, (x, w[1])).v[1].detach()

    agrees(game, optimizer("gradient-norm-regularized", step_size=eta, gamma=gamma), expected)
    agrees(game, optimizer("gradient-norm-regularized", step_size=eta, gamma=gamma, alternating=True), answered)


@fewer
@given(seed=random_seed, eta=rate, gamma=st.floats(0.05, 2))
def test_sos_takes_its_two_criteria(seed, eta, gamma):
    game, (a, b) = general_sum(seed), (0.5, 0.8)
    ahead, whole = optimizer("lookahead", step_size=eta, gamma=gamma), optimizer("lola", step_size=eta, gamma=gamma)
    for play in trajectory(game, method := optimizer("sos", step_size=eta, gamma=gamma, alignment=a, radius=b), 12):
        looked, shaped = advance(game, ahead, play, 1).w, advance(game, whole, play, 1).w
        xi = tuple((x - y) / eta for x, y in zip(play.w, looked, strict=True))
        shaping = tuple((x - y) / eta for x, y in zip(looked, shaped, strict=True))
        along, length, size = inner(shaping, xi), inner(xi, xi), inner(v := Derivatives(game, play.w).v, v).detach()
        shares = [
            min(1.0 if c >= 0 else min(1.0, -a * n / c), s if s**0.5 < b else 1.0)
            for c, n, s in zip(along.tolist(), length.tolist(), size.tolist(), strict=True)
        ]
        p = torch.tensor(shares, dtype=torch.float64)[:, None]
        wanted = tuple(x - eta * (d + p * s) for x, d, s in zip(play.w, xi, shaping, strict=True))
        assert difference(advance(game, method, play, 1).w, wanted) <= 1e-10


@fewer
@given(seed=random_seed, eta=rate, damping=st.floats(0.05, 2), fading=st.sampled_from([None, 0.7]))
def test_surgery_solves_its_inner_problem(seed, eta, damping, fading):
    def expected(d, w, _):
        v, j = torch.cat(d.v, -1), d.jacobian
        weight = damping if fading is None else damping * (1 - torch.exp(-fading * (v * v).sum(-1)))[:, None, None]
        inverse = torch.linalg.inv(j.mT @ j + weight * torch.eye(v.shape[-1], dtype=torch.float64))
        return stepped(w, eta / 2, (v + apply(j.mT @ inverse @ j.mT, v)).split(game.sizes, -1))

    game = general_sum(seed)
    method = optimizer("local-symplectic-surgery", step_size=eta, gamma=damping, fading=fading, iterations=40)
    agrees(game, method, expected, SOLVED)


@settings(max_examples=2, derandomize=True, deadline=None)
@given(seed=random_seed)
def test_two_time_scale_surgery_finds_the_solution_where_w_hardly_moves(seed):
    game = general_sum(seed)
    method = optimizer("local-symplectic-surgery-two-time-scale", step_size=1e-14, inner_step_size=0.1, gamma=0.3)
    play = advance(game, method, begin(game, method, seeds_of(3)), 1500)
    d = Derivatives(game, play.w)
    j, v = d.jacobian, torch.cat(d.v, -1)
    solution = torch.linalg.solve(j.mT @ j + 0.3 * torch.eye(v.shape[-1], dtype=torch.float64), apply(j.mT, v))
    assert difference(play.state, solution.detach().split(game.sizes, -1)) <= 1e-8


@fewer
@given(seed=random_seed, eta=rate)
def test_adaptive_competitive_gradient_is_the_competitive_gradient_in_its_metric(seed, eta):
    game, (smoothing, epsilon) = general_sum(seed) if seed % 2 else zero_sum(seed), (0.9, 1e-5)
    squares, steps = [0.0], []

    def expected(d, w, _):
        v, steps_taken = torch.cat(d.v, -1), len(steps) + 1
        steps.append(None)
        squares[0] = smoothing * squares[0] + (1 - smoothing) * v**2
        scale = eta * (1 - smoothing**steps_taken) ** 0.5 / (squares[0] ** 0.5 + epsilon)
        off = d.jacobian - torch.stack([torch.block_diag(*b) for b in zip(*(d.block(i, i) for i in range(len(w))), strict=True)])
        move = torch.linalg.solve(torch.eye(v.shape[-1], dtype=torch.float64) + scale[..., None] * off, scale * v)
        return stepped(w, 1.0, move.split(game.sizes, -1))

    agrees(game, optimizer("adaptive-competitive-gradient", step_size=eta, smoothing=smoothing, iterations=40), expected, SOLVED)


# What a step asks, (gradients, products) in a zero-sum and in a general-sum game of players of sizes 3 and 2: solves run for 2
# iterations where they are told to
COSTS = {
    "hamiltonian-gradient": ({}, (1, 1), (1, 1)),
    "aligned-consensus": ({}, (1, 1), (1, 1)),
    "jare": ({}, (1, 1), (1, 1)),
    "gradient-norm-regularized": ({}, (1, 0.5), (1, 0.5)),
    "lookahead": ({}, (1, 1), (2, 1)),
    "linearised-competitive-gradient": ({}, (1, 1), (2, 1)),
    "lola": ({}, (1, 2), (2, 2)),
    "sos": ({}, (1, 2), (2, 2)),
    "local-symplectic-surgery": ({"iterations": 2}, (1, 2 + 2 * 2), (2, 2 + 2 * 2)),
    "local-symplectic-surgery-two-time-scale": ({}, (1, 3), (2, 3)),
    "adaptive-competitive-gradient": ({"iterations": 2}, (1, 1 + 2), (2, 2)),
    "follow-the-ridge": ({"iterations": 2}, (1, 1 + 2), (2, 2 * (1 + 2))),
    "total-gradient": ({"iterations": 2}, (1, 0.5 + 1), (1.5, 0.5 + 1)),
    "gradient-descent-newton": ({"iterations": 2}, (1.5, 1), (1.5, 1)),
    "complete-newton": ({"iterations": 2}, (2, 2 + 1), (3, 2 + 1)),
    "unrolled": ({"inner_steps": 3}, (2.5, 1.5), (2.5, 1.5)),
}


@pytest.mark.parametrize("name", COSTS)
def test_a_step_costs_what_it_says(name):
    parameters, *expected = COSTS[name]
    for game, (gradients, products) in zip((Arena(), Arena(zero_sum=False)), expected, strict=True):
        counts, method = Counts(2), optimizer(name, **parameters)
        advance(game, method, begin(game, method, seeds_of(2)), 1, counts)
        assert (counts.gradients, counts.products) == (gradients, products), game.title
