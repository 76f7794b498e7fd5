"""What the literature says of stability edges, best step sizes and identities, asked of the closed forms."""

import numpy as np
import pytest

from saddlebench.results.theory import predicted_radius

ROOT3 = 3**0.5


def on(game, parameters, optimizer, hyperparameters) -> float:
    radius = predicted_radius(game, parameters, optimizer, hyperparameters)
    assert radius is not None
    return radius


def on_bilinear(optimizer, sigma: float | list[float] = 1.0, **parameters) -> float:
    return on("bilinear", {"matrix": np.diag(np.atleast_1d(sigma)).tolist()}, optimizer, parameters)


def on_quadratic(optimizer, mu, sigma, **parameters) -> float:
    return on("quadratic", {"p": [[mu]], "matrix": [[sigma]], "q": [[mu]]}, optimizer, parameters)


# On the bilinear game


@pytest.mark.parametrize("step", [0.01, 0.1, 0.5, 1, 2])
def test_simultaneous_methods_never_converge(step):
    for beta in (-0.9, -0.5, -0.1, 0, 0.3, 0.9):
        assert on_bilinear("heavy-ball", step_size=step, momentum=beta) > 1
        assert on_bilinear("nesterov", step_size=step, momentum=beta) > 1


@pytest.mark.parametrize("sigma", [0.3, 1, 4])
def test_alternating_gradient_stays_on_the_unit_circle_up_to_its_edge(sigma):
    for h in (0.1, 1, 1.99):
        assert on_bilinear("alternating-gradient", sigma, step_size=h / sigma) == pytest.approx(1, rel=1e-14)
    assert on_bilinear("alternating-gradient", sigma, step_size=2 / sigma) == pytest.approx(1, rel=1e-7)
    s = 2.5**2
    escaped = ((s**0.5 + (s - 4) ** 0.5) / 2) ** 2
    assert on_bilinear("alternating-gradient", sigma, step_size=2.5 / sigma) == pytest.approx(escaped, rel=1e-12)


def test_a_schedule_of_k_moves_is_a_step_k_times_as_long():
    edge = 2 / 5**0.5
    inside = on_bilinear("alternating-gradient", step_size=0.999 * edge, schedule=[1, 1, 1, 1, 1, 0])
    outside = on_bilinear("alternating-gradient", step_size=1.01 * edge, schedule=[1, 1, 1, 1, 1, 0])
    assert inside == pytest.approx(1, rel=1e-14)
    assert outside == pytest.approx(on_bilinear("alternating-gradient", step_size=[1.01 * edge, 5 * 1.01 * edge]))


@pytest.mark.parametrize("momentum", [(-0.5, -0.5), (-0.5, 0.0), (-0.25, -0.25), (-0.1, -0.6)])
def test_the_edge_of_negative_momentum(momentum):
    edge = 2 * ((1 + momentum[0]) * (1 + momentum[1])) ** 0.5
    radius = [on_bilinear("alternating-heavy-ball", step_size=edge * x, momentum=momentum) for x in (0.99, 1, 1.01)]
    assert radius[0] < 1
    assert radius[1] == pytest.approx(1, rel=1e-9)
    assert radius[2] > 1


@pytest.mark.parametrize("beta", [-0.8, -0.5, -0.2, 0.3])
def test_small_step_law_of_momentum(beta):
    h = 1e-3
    both = on_bilinear("alternating-heavy-ball", step_size=h, momentum=beta) ** 2
    one = on_bilinear("alternating-heavy-ball", step_size=h, momentum=[beta, 0]) ** 2
    assert (both - 1) / h**2 == pytest.approx(2 * beta / (1 - beta) ** 3, rel=1e-3)
    assert (one - 1) / h**2 == pytest.approx(beta / (1 - beta) ** 2, rel=1e-3)


def test_best_momenta():
    one = on_bilinear("alternating-heavy-ball", step_size=(27 / 8) ** 0.5, momentum=[-1 / 8, 0])
    both = on_bilinear("alternating-heavy-ball", step_size=(64 * (2 * ROOT3 - 3) / 9) ** 0.5, momentum=-(7 - 4 * ROOT3))
    assert one == pytest.approx(0.5, rel=1e-4)
    assert both == pytest.approx(2 * ROOT3 - 3, rel=1e-4)


def test_extragradient_optimum_over_a_range():
    low, high = 0.4, 1.7
    best = on_bilinear("extragradient", [low, high], step_size=(low**2 + high**2) ** -0.5)
    assert best == pytest.approx((1 - (low * high) ** 2 / (low**2 + high**2) ** 2) ** 0.5, rel=1e-12)
    assert on_bilinear("extragradient", high, step_size=1 / high) == pytest.approx(1, rel=1e-14)
    assert on_bilinear("extragradient", high, step_size=0.5**0.5 / high) == pytest.approx(ROOT3 / 2, rel=1e-14)


def test_optimism_has_its_published_radius_edge_and_optimum():
    for h in (0.05, 0.3, 0.5, 0.55):
        small = ((1 + max(1 - 4 * h * h, 0) ** 0.5) / 2) ** 0.5
        large = (0.25 + (h + max(4 * h * h - 1, 0) ** 0.5 / 2) ** 2) ** 0.5
        expected = pytest.approx(small if h <= 0.5 else large, rel=1e-7)
        assert on_bilinear("optimistic-gradient", step_size=h) == expected
        assert on_bilinear("past-extragradient", step_size=h) == expected
    assert on_bilinear("optimistic-gradient", step_size=1 / ROOT3) == pytest.approx(1, rel=1e-12)
    assert on_bilinear("optimistic-gradient", step_size=0.5) == pytest.approx(0.5**0.5, rel=1e-7)


@pytest.mark.parametrize("kappa", [0.2, 0.5, 1, 2])
def test_small_step_law_of_optimism(kappa):
    h = 1e-3
    radius = on_bilinear("optimistic-gradient", step_size=h, optimism=kappa)
    assert (radius**2 - 1) / h**2 == pytest.approx(1 - 2 * kappa, abs=1e-4)


@pytest.mark.parametrize("name", ["consensus", "symplectic-gradient", "jare", "lookahead"])
def test_rotated_fields_agree_with_extragradient_and_have_their_optimum(name):
    sigma, gamma = 1.7, 0.6
    for step in (0.05, 0.2, 0.7):
        same = on_bilinear("extragradient", sigma, step_size=step, extrapolation_step=gamma)
        assert on_bilinear(name, sigma, step_size=step, gamma=gamma) == pytest.approx(same, rel=1e-12)
    best = gamma / (1 + gamma**2 * sigma**2)
    optimum = pytest.approx((1 + gamma**2 * sigma**2) ** -0.5, rel=1e-12)
    assert on_bilinear(name, sigma, step_size=best, gamma=gamma) == optimum
    assert on_bilinear(name, sigma, step_size=2 * best, gamma=gamma) == pytest.approx(1, rel=1e-12)


def test_competitive_gradient_is_the_proximal_point():
    for step in (0.1, 1, 10, [0.3, 2]):
        proximal = on_bilinear("proximal-point", [0.3, 2], step_size=step)
        assert on_bilinear("competitive-gradient", [0.3, 2], step_size=step) == pytest.approx(proximal, rel=1e-12)


def test_unrolling_is_gradient_norm_regularisation():
    unrolled = on_bilinear("unrolled", [0.3, 2], step_size=0.1, inner_step_size=0.04, inner_steps=3)
    norm = on_bilinear("gradient-norm-regularized", [0.3, 2], step_size=0.1, gamma=0.12)
    assert unrolled == pytest.approx(norm, rel=1e-12)


def test_surgery_without_damping_cannot_move():
    assert on_bilinear("local-symplectic-surgery", [0.3, 2], step_size=0.4, gamma=0) == pytest.approx(1, rel=1e-14)


def test_hamiltonian_optimum():
    kappa = 3.0
    assert on_bilinear("hamiltonian-gradient", [1, kappa], step_size=2 / (1 + kappa**2)) == pytest.approx(
        (kappa**2 - 1) / (kappa**2 + 1), rel=1e-12
    )


def test_lookahead_over_alternation_lands_on_the_equilibrium():
    # cos θ = 1 − s/2 and kθ = π, α = ½
    step = (2 * (1 - np.cos(np.pi / 5))) ** 0.5
    base = {"alternating-gradient": {"step_size": step}}
    assert on_bilinear("lookahead-minmax", inner_steps=5, alpha=0.5, base=base) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("modulus", "converges"), [(0.5, False), (0.56, False), (0.6, True), (0.8, True)])
def test_imaginary_momentum_converges_beyond_one_over_root_three(modulus, converges):
    momentum = {"momentum_modulus": modulus, "momentum_argument": np.pi / 2}
    assert (on_bilinear("complex-momentum", step_size=1e-3, **momentum) < 1) is converges


# On the scalar quadratic game


@pytest.mark.parametrize(("mu", "sigma"), [(1, 2), (1, 10), (0.5, 1), (0.1, 3)])
def test_best_steps_on_the_quadratic_game(mu, sigma):
    radius = np.hypot(mu, sigma)
    best = on_quadratic("alternating-gradient", mu, sigma, step_size=2 / (radius + mu))
    assert best == pytest.approx((radius - mu) / (radius + mu), rel=2e-7)
    simultaneous = on_quadratic("simultaneous-gradient", mu, sigma, step_size=mu / radius**2)
    assert simultaneous == pytest.approx(sigma / radius, rel=1e-12)
    edge = on_quadratic("simultaneous-gradient", mu, sigma, step_size=2 * mu / radius**2)
    assert edge == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("step", [0.05, 0.3])
def test_moduli_on_the_quadratic_game(step):
    mu, sigma, gamma = 0.4, 1.5, 0.3
    norm = mu**2 + sigma**2
    rotated = np.hypot(1 - step * (mu + gamma * sigma**2), step * sigma * (1 - gamma * mu))
    twice = np.hypot(1 - step * (mu + 2 * gamma * sigma**2), step * sigma * (1 - 2 * gamma * mu))
    expected = {
        "simultaneous-gradient": np.hypot(1 - step * mu, step * sigma),
        "alternating-gradient": 1 - step * mu,
        "competitive-gradient": (1 - step * mu) / np.hypot(1, step * sigma),
        "hamiltonian-gradient": abs(1 - step * norm),
        "local-symplectic-surgery": 1 - step * mu,
    }
    for name, radius in expected.items():
        assert on_quadratic(name, mu, sigma, step_size=step) == pytest.approx(radius, rel=1e-12)
    for name, radius in {"symplectic-gradient": rotated, "lookahead": rotated, "jare": rotated, "lola": twice}.items():
        assert on_quadratic(name, mu, sigma, step_size=step, gamma=gamma) == pytest.approx(radius, rel=1e-12)
    linearised = on_quadratic("linearised-competitive-gradient", mu, sigma, step_size=step)
    assert linearised == pytest.approx(on_quadratic("symplectic-gradient", mu, sigma, step_size=step, gamma=step))


def test_heavy_ball_is_stable_inside_its_ellipse():
    rng = np.random.default_rng(0)
    for _ in range(300):
        mu, sigma, beta = rng.uniform(0.05, 3), rng.uniform(0.05, 2), rng.uniform(-0.95, 0.95)
        level = ((mu - (1 + beta)) / (1 + beta)) ** 2 + (sigma / (1 - beta)) ** 2
        radius = on_quadratic("heavy-ball", mu, sigma, step_size=1, momentum=beta)
        if abs(level - 1) > 1e-9:
            assert (radius < 1) is bool(level < 1)


def test_ridge_toys():
    for p, a, q, ridge, simultaneous in ((-6, 4, 2, 0.9, None), (6, 4, -2, 1.1, 0.9)):
        game = {"p": [[p]], "matrix": [[a]], "q": [[q]]}
        for name in ("follow-the-ridge", "total-gradient"):
            assert on("quadratic", game, name, {"step_size": 0.05}) == pytest.approx(ridge, rel=1e-12)
        radius = on("quadratic", game, "simultaneous-gradient", {"step_size": 0.05})
        assert radius == pytest.approx(simultaneous, rel=1e-7) if simultaneous else radius > 1
