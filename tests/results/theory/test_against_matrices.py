"""Closed forms against the eigenvalues of the methods' matrices, over random games and hyperparameters."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from saddlebench.results.theory import predicted_radius, predicted_spectrum

from . import steps


def bilinear(rng):
    matrix = rng.normal(size=(3, 3))
    return steps.Game(np.zeros((3, 3)), matrix, np.zeros((3, 3)))


def scalar_curvature(rng):
    rows, columns = rng.choice([2, 3, 4], size=2)
    mu_x, mu_y = rng.uniform(0.1, 1.5, size=2)
    return steps.Game(mu_x * np.eye(rows), rng.normal(size=(rows, columns)), mu_y * np.eye(columns))


def joint_basis(rng):
    """P, A, Q diagonal in one pair of bases, with equal singular values and a rectangular A."""
    u, v = ortho_group.rvs(4, random_state=rng), ortho_group.rvs(3, random_state=rng)
    middle = np.zeros((4, 3))
    middle[range(3), range(3)] = [1.3, 1.3, rng.uniform(0.1, 1)]
    p, q = (np.diag(rng.uniform(-0.5, 1.5, size)) for size in (4, 3))
    return steps.Game(u @ p @ u.T, u @ middle @ v.T, v @ q @ v.T)


def general(rng):
    def curvature(size):
        root = rng.normal(size=(size, size))
        return root @ root.T / size + 0.2 * np.eye(size)

    return steps.Game(curvature(3), rng.normal(size=(3, 2)), curvature(2))


def two(rng, low=0.02, high=0.6):
    return rng.uniform(low, high, size=2).tolist()


def plain(name, step, pair=True, copies=1, **ranges):
    """A cell whose step takes its hyperparameters by position, in the order of their names here."""

    def build(game, rng):
        values = {"step_size": two(rng) if pair else rng.uniform(0.02, 0.6)}
        values |= {key: rng.uniform(*bounds) for key, bounds in ranges.items()}
        return name, values, steps.matrix_of(step(game, *values.values()), game, copies)

    build.__name__ = name
    return build


def heavy_ball_pair(game, rng):
    step, momentum = two(rng), two(rng, -0.8, 0.8)
    matrix = steps.matrix_of(steps.heavy_ball(game, step, momentum), game, 2)
    return "heavy-ball", {"step_size": step, "momentum": momentum}, matrix


def alternating_heavy_ball(game, rng):
    step, momentum = two(rng), two(rng, -0.8, 0.8)
    matrix = steps.matrix_of(steps.alternating_heavy_ball(game, step, momentum), game, 2)
    return "alternating-heavy-ball", {"step_size": step, "momentum": momentum}, matrix


def schedule(game, rng):
    step, order = two(rng), rng.integers(0, 2, size=6).tolist()
    matrix = steps.matrix_of(steps.alternating(game, step, order), game)
    return "alternating-gradient", {"step_size": step, "schedule": order}, matrix


def two_extragradient_steps(game, rng):
    step, ahead = two(rng), two(rng)
    matrix = steps.matrix_of(steps.extragradient(game, step, ahead), game)
    return "extragradient", {"step_size": step, "extrapolation_step": ahead}, matrix


def follow_the_ridge(game, rng):
    step, momentum = two(rng), rng.uniform(-0.5, 0.5)
    matrix = steps.matrix_of(steps.follow_the_ridge(game, step, momentum), game, 2)
    return "follow-the-ridge", {"step_size": step, "momentum": momentum}, matrix


def unrolled(game, rng):
    step, inner, count, alternate = two(rng), rng.uniform(0.05, 0.3), int(rng.integers(0, 6)), bool(rng.integers(2))
    matrix = steps.matrix_of(steps.unrolled(game, step, inner, count, alternate), game)
    parameters = {"step_size": step, "inner_step_size": inner, "inner_steps": count, "alternating": alternate}
    return "unrolled", parameters, matrix


def lookahead_over(name, step):
    def build(game, rng):
        eta, count, alpha = rng.uniform(0.05, 0.4), int(rng.integers(1, 8)), rng.uniform(0.2, 1)
        matrix = steps.matrix_of(steps.lookahead_minmax(step(game, eta), count, alpha), game)
        return "lookahead-minmax", {"inner_steps": count, "alpha": alpha, "base": {name: {"step_size": eta}}}, matrix

    build.__name__ = f"lookahead-over-{name}"
    return build


# Functions of DJ alone: any game.
LINEAR = [
    plain("simultaneous-gradient", steps.simultaneous),
    plain("heavy-ball", steps.heavy_ball, copies=2, momentum=(-0.8, 0.8)),
    plain("nesterov", steps.nesterov, copies=2, momentum=(-0.8, 0.8)),
    plain("extragradient", steps.extragradient),
    plain("extragradient", steps.extragradient, pair=False, extrapolation_step=(0.02, 1)),
    plain("past-extragradient", steps.past_extragradient, copies=2),
    plain("optimistic-gradient", steps.optimistic, copies=2, optimism=(0, 2)),
    plain("proximal-point", steps.proximal),
    plain("complex-momentum", steps.complex_momentum, copies=3, momentum_modulus=(0, 0.9), momentum_argument=(0, 3)),
    plain("hamiltonian-gradient", steps.hamiltonian),
    lookahead_over("simultaneous-gradient", steps.simultaneous),
    lookahead_over("extragradient", steps.extragradient),
]
# Closed forms on scalar blocks: games with a joint singular basis.
BLOCK = [
    plain("alternating-gradient", steps.alternating),
    plain("consensus", steps.consensus, gamma=(0, 2)),
    plain("symplectic-gradient", steps.symplectic, gamma=(-1, 2)),
    plain("jare", steps.jare, gamma=(0, 2)),
    plain("lookahead", steps.lookahead, gamma=(0, 2)),
    plain("lola", lambda game, step, gamma: steps.stable_opponent(game, step, gamma, 1), gamma=(0, 1)),
    plain("sos", steps.stable_opponent, gamma=(0, 1), p=(0, 1)),
    plain("gradient-norm-regularized", steps.gradient_norm, gamma=(0, 1)),
    plain("local-symplectic-surgery", steps.surgery, gamma=(0, 1)),
    plain("competitive-gradient", steps.competitive),
    plain("linearised-competitive-gradient", steps.linearised_competitive),
    lookahead_over("alternating-gradient", steps.alternating),
    heavy_ball_pair,
    alternating_heavy_ball,
    schedule,
    two_extragradient_steps,
    unrolled,
]
RIDGE = [
    follow_the_ridge,
    plain("total-gradient", steps.total_gradient),
    plain("gradient-descent-newton", steps.newton_reply, pair=False),
]
CASES = [
    *((kind, cell) for cell in LINEAR for kind in (bilinear, scalar_curvature, joint_basis, general)),
    *((kind, cell) for cell in BLOCK for kind in (bilinear, scalar_curvature, joint_basis)),
    *((kind, cell) for cell in RIDGE for kind in (scalar_curvature, joint_basis, general)),
]


def label(value):
    return value.__name__.replace("_", "-")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("kind", "cell"), CASES, ids=label)
def test_closed_form_is_the_matrix_spectrum(kind, cell, seed):
    rng = np.random.default_rng(seed)
    game = kind(rng)
    name, parameters, matrix = cell(game, rng)
    measured = np.linalg.eigvals(matrix)
    played = ("quadratic", game.parameters())
    assert predicted_radius(*played, name, parameters) == pytest.approx(np.abs(measured).max(), rel=1e-9)
    # The whole spectrum, but for zeros that the state adds; multiple eigenvalues are only known to a root of rounding.
    predicted = predicted_spectrum(*played, name, parameters)
    distance = np.abs(predicted[:, None] - measured[None, :])
    assert distance.min(axis=1).max() < 1e-5
    assert distance.min(axis=0)[np.abs(measured) > 1e-4].max() < 1e-5
    if kind is bilinear:
        alone = predicted_radius("bilinear", {"matrix": game.a.tolist()}, name, parameters)
        assert alone == pytest.approx(np.abs(measured).max(), rel=1e-9)


@pytest.mark.parametrize("cell", BLOCK, ids=label)
def test_no_prediction_where_the_blocks_do_not_exist(cell):
    rng = np.random.default_rng(0)
    game = general(rng)
    name, parameters, _ = cell(game, rng)
    assert predicted_radius("quadratic", game.parameters(), name, parameters) is None


def test_complete_newton_is_nilpotent():
    game = general(np.random.default_rng(3))
    matrix = steps.matrix_of(steps.newton_reply(game, None, complete=True), game)
    assert np.abs(matrix @ matrix).max() < 1e-12
    assert predicted_radius("quadratic", game.parameters(), "complete-newton", {}) == 0


def without_ones(matrix, count):
    """The eigenvalues without the ``count`` nearest to 1, which must be 1."""
    values = np.linalg.eigvals(matrix)
    values = values[np.argsort(np.abs(values - 1))]
    assert np.abs(values[:count] - 1).max() < 1e-10
    return values[count:]


@pytest.mark.parametrize("cell", [*LINEAR, *BLOCK], ids=label)
def test_transverse_prediction_leaves_out_the_ones_of_null_directions(cell):
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(4, 2)) @ rng.normal(size=(2, 3))  # rank 2: two null directions of x, one of y
    game = steps.Game(np.zeros((4, 4)), matrix, np.zeros((3, 3)))
    name, parameters, update = cell(game, rng)
    expected = np.abs(without_ones(update, 3)).max()
    given = ("bilinear", {"matrix": matrix.tolist()}, name, parameters)
    assert predicted_radius(*given) == pytest.approx(expected, rel=1e-9)
    assert predicted_radius(*given, transverse=False) == pytest.approx(max(expected, 1), rel=1e-9)


@pytest.mark.parametrize("cell", LINEAR, ids=label)
def test_a_null_direction_across_both_players(cell):
    game = steps.Game([[2.0]], [[1.0]], [[-0.5]])  # J has the eigenvalues 0 and 1.5
    name, parameters, update = cell(game, np.random.default_rng(2))
    if np.ndim(parameters.get("step_size")) == 0:
        expected = np.abs(without_ones(update, 1)).max()
        given = ("quadratic", game.parameters(), name, parameters)
        assert predicted_radius(*given) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("beta", [-0.9, 0.6])
def test_velocity_along_a_null_direction_fades(beta):
    game = ("bilinear", {"matrix": [[1.0], [0.0]]})
    step = {"step_size": 1.0}
    with_pair = predicted_spectrum(*game, "alternating-heavy-ball", step | {"momentum": [beta, 0.0]})
    assert np.abs(with_pair - beta).min() < 1e-12
    assert np.abs(predicted_spectrum(*game, "heavy-ball", step | {"momentum": beta}) - beta).min() < 1e-12
    ridge = ("quadratic", {"p": [[1.0, 0], [0, 0]], "matrix": [[1.0], [0.0]], "q": [[1.0]]})
    follows = predicted_spectrum(*ridge, "follow-the-ridge", {"step_size": 0.1, "momentum": beta})
    assert np.abs(follows - beta).min() < 1e-12
    assert predicted_radius(*ridge, "total-gradient", {"step_size": 0.1}) == pytest.approx(0.9)
