"""Games beside the quadratic ones, and what the public functions say of cells that theory does not know."""

import math

import numpy as np
import pytest

from saddlebench.results.theory import NoClosedForm, explain, predicted_radius, predicted_spectrum
from saddlebench.results.theory.games import linearise

XY = ("bilinear", {"matrix": [[1.0]]})


def jacobian(field, at, h=1e-6):
    at = np.asarray(at, dtype=float)
    columns = [(field(at + h * e) - field(at - h * e)) / (2 * h) for e in np.eye(len(at))]
    return np.column_stack(columns)


def radius_of(matrix):
    return np.abs(np.linalg.eigvals(matrix)).max()


def dirac_field(loss, r1, noise):
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    slope = np.ones_like if loss == "wasserstein" else lambda t: 1 / (1 + np.exp(t))  # f′

    def field(w):
        theta, psi = w
        fake, real = psi * (theta + noise * nodes), -psi * noise * nodes
        sign = -1 if loss == "non-saturating" else 1
        generator = psi * (weights * slope(sign * fake)).sum()
        learned = (theta + noise * nodes) * slope(fake) - noise * nodes * slope(real)
        return np.array([generator, -(weights * learned).sum() + r1 * psi])

    return field


@pytest.mark.parametrize("loss", ["minimax", "non-saturating", "wasserstein"])
@pytest.mark.parametrize(("r1", "noise"), [(0, 0), (0.3, 0), (1.4, 0), (0, 0.7), (0.5, 1.2)])
def test_dirac_gan_is_linearised_rightly(loss, r1, noise):
    measured = jacobian(dirac_field(loss, r1, noise), (0, 0))
    game = ("dirac-gan", {"loss": loss, "r1": r1, "instance_noise": noise, "gradient_penalty": 0.0, "start": [1, 1]})
    for step in (0.1, [0.5, 0.2]):
        update = np.eye(2) - np.diag(np.broadcast_to(step, 2)) @ measured
        radius = predicted_radius(*game, "simultaneous-gradient", {"step_size": step})
        assert radius == pytest.approx(radius_of(update), rel=1e-8)
        x, y = np.diag([1.0, 0]), np.diag([0, 1.0])
        cycle = (np.eye(2) - y @ np.diag(np.broadcast_to(step, 2)) @ measured) @ (
            np.eye(2) - x @ np.diag(np.broadcast_to(step, 2)) @ measured
        )
        radius = predicted_radius(*game, "alternating-gradient", {"step_size": step})
        assert radius == pytest.approx(radius_of(cycle), rel=1e-8)


def test_dirac_gan_penalties_are_the_discriminators_alone():
    penalised = ("dirac-gan", {"loss": "minimax", "r1": 0.5})
    assert predicted_radius(*penalised, "lookahead", {"step_size": 0.1, "gamma": 1}) is not None
    assert predicted_radius(*penalised, "lola", {"step_size": 0.1, "gamma": 1}) is None
    assert predicted_radius(*penalised, "total-gradient", {"step_size": 0.1}) is None
    assert predicted_radius("dirac-gan", {"gradient_penalty": 0.7}, "extragradient", {"step_size": 0.1}) is None


PAYOFF = np.array([[0.0, 1, -1], [-1, 0, 1], [1, -1, 0]])


def softmax(z):
    z = np.exp(z - z.max())
    return z / z.sum()


def test_softmax_rock_paper_scissors_has_singular_value_root_three_ninths():
    def field(w):
        x, y = softmax(w[:3]), softmax(w[3:])
        gx, gy = PAYOFF @ y, -PAYOFF.T @ x
        return np.concatenate([x * (gx - x @ gx), y * (gy - y @ gy)])

    measured = jacobian(field, np.zeros(6))
    game = ("rock-paper-scissors", {"form": "softmax"})
    update = np.eye(6) - 0.4 * measured + 0.4 * 0.9 * measured @ measured
    parameters = {"step_size": 0.4, "extrapolation_step": 0.9}
    assert predicted_radius(*game, "extragradient", parameters, transverse=False) == pytest.approx(1)
    tangent = np.kron(np.eye(2), np.linalg.svd(np.ones((1, 3)))[2][1:].T)
    expected = radius_of(tangent.T @ update @ tangent)
    assert predicted_radius(*game, "extragradient", parameters) == pytest.approx(expected, rel=1e-8)
    growth = predicted_radius(*game, "simultaneous-gradient", {"step_size": 1})
    assert growth == pytest.approx((1 + 3 / 81) ** 0.5, rel=1e-12)


@pytest.mark.parametrize("step", [0.3, [0.9, 0.2]])
def test_multiplicative_weights_on_the_simplex(step):
    def move(w):
        x, y = w[:3], w[3:]
        eta_x, eta_y = np.broadcast_to(step, 2)
        x1, y1 = x * np.exp(-eta_x * PAYOFF @ y), y * np.exp(eta_y * PAYOFF.T @ x)
        return np.concatenate([x1 / x1.sum(), y1 / y1.sum()])

    expected = radius_of(jacobian(move, np.full(6, 1 / 3)))
    game = ("rock-paper-scissors", {"form": "simplex"})
    assert predicted_radius(*game, "multiplicative-weights", {"step_size": step}) == pytest.approx(expected, rel=1e-8)
    assert predicted_radius(*game, "simultaneous-gradient", {"step_size": step}) is None
    assert predicted_radius(*XY, "multiplicative-weights", {"step_size": step}) is None
    edge = predicted_radius(*game, "optimistic-multiplicative-weights", {"step_size": 1.0})
    assert edge == pytest.approx(1, rel=1e-12)


def test_aligned_and_adaptive_methods_near_the_equilibrium():
    p, a, q = np.array([[0.4]]), np.array([[1.5]]), np.array([[0.9]])
    j = np.block([[p, a], [-a.T, q]])
    off = np.array([[0, 1.5], [-1.5, 0]])

    def aligned(w):
        v = j @ w
        turn, pull = off.T @ v, j.T @ v
        return w - 0.1 * (v + 0.7 * np.sign((v @ pull) * (turn @ pull) / 2 + 0.1) * turn)

    def adaptive(w, a_=0.5, b=0.1):
        v = j @ w
        x, y = w
        fy = 1.5 * x - 0.9 * y
        gx = -0.4 * x - 1.5 * y
        ahead, shaping = v - 0.7 * off @ v, -0.7 * np.array([-1.5 * fy, 1.5 * gx])
        inner = shaping @ ahead
        first = 1 if inner >= 0 else min(1, -a_ * (ahead @ ahead) / inner)
        second = v @ v if np.sqrt(v @ v) < b else 1
        return w - 0.1 * (ahead + min(first, second) * shaping)

    game = ("quadratic", {"p": p.tolist(), "matrix": a.tolist(), "q": q.tolist()})
    expected = radius_of(jacobian(aligned, (0, 0)))
    symplectic = {"step_size": 0.1, "gamma": 0.7, "aligned": True, "epsilon": 0.1}
    assert predicted_radius(*game, "symplectic-gradient", symplectic) == pytest.approx(expected, rel=1e-8)
    assert predicted_radius(*game, "symplectic-gradient", symplectic | {"epsilon": 0.0}) is None
    expected = radius_of(jacobian(adaptive, (0, 0)))
    assert predicted_radius(*game, "sos", {"step_size": 0.1, "gamma": 0.7}) == pytest.approx(expected, rel=1e-8)


def test_four_players():
    game = ("four-player", {"epsilon": 0.01})
    epsilon = 0.01
    j = np.array([[epsilon, 1, 1, 1], [-1, epsilon, 1, 1], [-1, -1, epsilon, 1], [-1, -1, -1, epsilon]])
    update = np.eye(4) - 0.1 * (j + 0.6 * j.T @ j)
    parameters = {"step_size": [0.1] * 4, "gamma": 0.6}
    assert predicted_radius(*game, "consensus", parameters) == pytest.approx(radius_of(update), rel=1e-9)
    for name in ("alternating-gradient", "lola", "jare", "follow-the-ridge"):
        assert predicted_radius(*game, name, {"step_size": 0.1, "gamma": 0.6}) is None
    assert predicted_radius(*game, "simultaneous-gradient", {"step_size": [0.1, 0.2]}) is None


def test_a_bilinear_game_by_shape_has_log_spaced_singular_values():
    step = {"step_size": 0.4}
    for key in ("shape", "sizes"):
        game = {"matrix": None, key: [3, 5], "condition_number": 100.0, "b": None, "c": [1.0] * 5}
        given = {"matrix": np.diag([1, 0.1, 0.01]).tolist()}
        expected = predicted_radius("bilinear", given, "extragradient", step)
        assert predicted_radius("bilinear", game, "extragradient", step) == pytest.approx(expected, rel=1e-12)
        assert predicted_radius("bilinear", game, "extragradient", step, transverse=False) == 1
    assert predicted_radius("bilinear", {}, "extragradient", step) == predicted_radius(*XY, "extragradient", step)


@pytest.mark.parametrize(
    ("optimizer", "parameters"),
    [
        ("adam", {"step_size": 0.1}),
        ("rmsprop", {"step_size": 0.1}),
        ("extra-adam", {"step_size": 0.1}),
        ("optimistic-adam", {"step_size": 0.1}),
        ("someone-elses-plugin", {}),
        ("simultaneous-gradient", {"step_size": 0.1, "rule": "adam"}),
        ("simultaneous-gradient", {"step_size": 0.1, "rule": {"momentum": {"momentum": 0.5}}}),
        ("consensus", {"step_size": 0.1, "gamma": 1, "rule": {"rmsprop": {}}}),
        ("simultaneous-gradient", {}),
        ("simultaneous-gradient", {"step_size": "fast"}),
        ("simultaneous-gradient", {"step_size": [0.1, 0.2, 0.3]}),
        ("simultaneous-gradient", {"step_size": float("nan")}),
        ("simultaneous-gradient", {"step_size": 0.1, "weight_decay": 0.01}),
        ("nesterov", {"step_size": 0.1, "momentum": [0.1, 0.2]}),
        ("alternating-gradient", {"step_size": 0.1, "schedule": [0, 2]}),
        ("alternating-heavy-ball", {"step_size": 0.1, "momentum": -0.5, "schedule": [1, 1, 0]}),
        ("follow-the-ridge", {"step_size": 0.1}),
        ("complete-newton", {}),
        ("unrolled", {"step_size": 0.1, "inner_step_size": 0.1, "inner_steps": 2.5}),
        ("lookahead-minmax", {"inner_steps": 5, "alpha": 0.5, "base": {"heavy-ball": {"step_size": 0.1}}}),
        ("lookahead-minmax", {"inner_steps": 5, "alpha": 0.5, "base": ["a", "b"]}),
        ("lookahead-minmax", {"inner_steps": 5, "alpha": 0.5}),
        ("complex-momentum", {"step_size": 1e200, "momentum_modulus": 1e200}),
    ],
)
def test_unknown_cells_have_no_prediction(optimizer, parameters):
    assert predicted_radius(*XY, optimizer, parameters) is None
    assert explain(*XY, optimizer, parameters) is None
    with pytest.raises(NoClosedForm, match=r"\w+ "):
        predicted_spectrum(*XY, optimizer, parameters)


@pytest.mark.parametrize(
    ("game", "parameters"),
    [
        ("torus", {}),
        ("bilinear", {"matrix": [[1.0, 2.0], [3.0]]}),
        ("bilinear", {"matrix": [[0.0]]}),  # every direction is null
        ("bilinear", {"shape": [0, 2]}),
        ("bilinear", {"matrix": [[1.0]], "noise": 0.1}),
        ("quadratic", {"p": [[1.0]], "matrix": [[1.0, 2.0]], "q": [[1.0]]}),
        ("quadratic", {"p": [[1.0]]}),
        ("dirac-gan", {"loss": "hinge"}),
        ("rock-paper-scissors", {"form": "extensive"}),
    ],
)
def test_unknown_games_have_no_prediction(game, parameters):
    assert predicted_radius(game, parameters, "simultaneous-gradient", {"step_size": 0.1}) is None


def test_the_plain_rule_can_be_written_three_ways():
    radii = {
        predicted_radius(*XY, "extragradient", {"step_size": 0.1, "extrapolation_step": None} | rule)
        for rule in ({}, {"rule": "gradient"}, {"rule": {"gradient": {}}})
    }
    assert len(radii) == 1
    assert None not in radii


def test_an_explanation_names_formula_and_eigenvalues():
    text = explain(*XY, "extragradient", {"step_size": 0.1})
    assert text == "max|1 − ηλ + ηγλ²| (Korpelevich 1976); λ = ±iσ_j(A)"


def test_critical_points_of_the_theory_games_have_their_known_eigenvalues():
    def eigenvalues(game, **parameters):
        return sorted(linearise(game, parameters, True).eigenvalues().tolist(), key=lambda z: (z.real, z.imag))

    assert eigenvalues("forsaken") == pytest.approx([0.0447460 - 0.9080276j, 0.0447460 + 0.9080276j], abs=1e-7)
    assert eigenvalues("covariance-gan", covariance=[[9.0]]) == pytest.approx([-6j, 6j], abs=1e-12)
    # two dimensions: ±i√(2(s_i + s_j)), i ≤ j; the two skew directions of V and W are null
    expected = sorted(sign * math.sqrt(2 * total) for total in (8, 5, 2) for sign in (1, -1))
    assert [z.imag for z in eigenvalues("covariance-gan", covariance=[[4.0, 0.0], [0.0, 1.0]])] == pytest.approx(expected)
