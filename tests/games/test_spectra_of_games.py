"""The Jacobians of the games of the theory literature at their critical points, against known eigenvalues and radii."""

import math

import numpy as np
import pytest
import torch

import saddlebench as sb
from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle

SEED = torch.tensor([0])
COT = 1 / math.tan(math.pi / 8)


def jacobian(game, w=None):
    """J at the equilibrium, column by column."""
    seeds = SEED
    w = game.equilibrium(seeds) if w is None else w
    point = Oracle.at_step(game, seeds, 0, game.buffers(w, seeds), Counts(len(w)), torch.float64).at(w)
    unit = torch.eye(sum(game.sizes), dtype=torch.float64)
    return torch.stack([torch.cat(point.jvp(u[None].split(list(game.sizes), -1)), -1)[0] for u in unit], -1).detach().numpy()


def eigenvalues(spec, **kwargs):
    return np.sort_complex(np.linalg.eigvals(jacobian(build("game", spec), **kwargs)))


@pytest.mark.parametrize(
    ("spec", "expected", "tolerance"),
    [
        ({"four-player": {"epsilon": 0.01}}, [0.01 + s * 1j * c for c in (COT, 1 / COT) for s in (1, -1)], 1e-12),
        ({"four-player": {"epsilon": 0.0}}, [s * 1j * c for c in (COT, 1 / COT) for s in (1, -1)], 1e-12),
        ({"forsaken": {}}, [0.0447460 + 0.9080276j, 0.0447460 - 0.9080276j], 1e-7),
        ({"almost-bilinear": {}}, [-0.05 + 1j * math.sqrt(0.9975), -0.05 - 1j * math.sqrt(0.9975)], 1e-12),
        ({"weak-attractor": {}}, [1 + 10j, 1 - 10j], 1e-12),
        ({"weak-repellor": {}}, [-0.1 + 1j, -0.1 - 1j], 1e-12),
        ({"consensus-failure": {"kappa": 2.0}}, [-2, -2], 1e-12),
        ({"dirac-gan": {}}, [0.5j, -0.5j], 1e-12),
        ({"dirac-gan": {"loss": "wasserstein", "clip": 1.0, "target": -2.0}}, [1j, -1j], 1e-12),
        ({"dirac-gan": {"r1": 0.3}}, [0.15 + 1j * math.sqrt(0.2275), 0.15 - 1j * math.sqrt(0.2275)], 1e-12),
        (
            {"dirac-gan": {"gradient_penalty": 0.3, "gradient_norm": 0.0}},
            [0.15 + s * 1j * math.sqrt(0.2275) for s in (1, -1)],
            1e-12,
        ),
        ({"dirac-gan": {"instance_noise": 0.7}}, [0.1225 + s * 1j * math.sqrt(0.25 - 0.1225**2) for s in (1, -1)], 1e-12),
        ({"dirac-gan": {"target": -2.0}}, [1 + math.sqrt(0.75), 1 - math.sqrt(0.75)], 1e-12),  # c²/4 ± √(c⁴/16 − ¼)
        ({"tandem": {}}, [4, 0], 1e-12),
        ({"ridge": {"function": "sine"}}, [6, 1], 1e-12),
        ({"gaussian-mean-gan": {}}, [1j, 1j, -1j, -1j], 1e-12),
        ({"covariance-gan": {"covariance": [[9.0]]}}, [6j, -6j], 1e-12),
        ({"two-gaussians": {}}, [0.25 + 1j * math.sqrt(3 / 16), 0.25 - 1j * math.sqrt(3 / 16), 0.5], 1e-9),
        ({"two-gaussians": {"loss": "wasserstein"}}, [1j, -1j], 1e-12),
    ],
    ids=str,
)
def test_eigenvalues_of_the_jacobian_are_the_known_ones(spec, expected, tolerance):
    found = list(eigenvalues(spec))
    for value in expected:
        nearest = min(found, key=lambda x: abs(x - value))
        assert abs(nearest - value) <= tolerance
        found.remove(nearest)
    assert not found


def test_the_covariance_gan_turns_transverse_to_its_manifold_and_rests_along_it():
    game = build("game", {"covariance-gan": {"covariance": [[2.0, 0.5], [0.5, 1.0]]}})
    s = np.linalg.eigvalsh(np.array([[2.0, 0.5], [0.5, 1.0]]))
    speeds = [math.sqrt(2 * (s[i] + s[j])) for i, j in ((0, 0), (0, 1), (1, 1))]
    found = np.sort(np.linalg.eigvals(jacobian(game)).imag)
    assert found == pytest.approx(np.sort([0, 0, *speeds, *(-x for x in speeds)]), abs=1e-7)


def test_hessians_of_the_ridge_functions():
    for function, hessian in {
        "f1": [[-6, 4], [4, -2]],
        "f2": [[6, 4], [4, 2]],
        "f3": [[-1, 0.6], [0.6, -0.2]],
    }.items():
        found = jacobian(build("game", {"ridge": {"function": function}})) * [[1, 1], [-1, -1]]  # y's row of J is −∇f_y
        assert found == pytest.approx(np.array(hessian), abs=1e-12)


@pytest.mark.parametrize(
    ("game", "step_size", "radius"),
    [
        ("weak-attractor", 0.01, 0.99504),
        ("weak-attractor", 0.032, 1.01952),
        ("weak-attractor", 0.1, 1.34536),
        ({"ridge": {"function": "f2"}}, 0.05, 0.9),
        ({"ridge": {"function": "f3"}}, 0.05, 1.02),
    ],
    ids=str,
)
def test_radii_of_simultaneous_gradient(game, step_size, radius):
    assert sb.spectral_radius(game, {"simultaneous-gradient": {"step_size": step_size}}) == pytest.approx(radius, abs=1e-5)


@pytest.mark.parametrize(("function", "radius"), [("f1", 0.9), ("f2", 1.1), ("f3", 0.99)])
def test_radii_of_follow_the_ridge(function, radius):
    """1 − η C and 1 + η f_yy, from the Hessian that the game gives: what any faithful implementation must measure."""
    j = jacobian(build("game", {"ridge": {"function": function}}))
    curvatures = j[0, 0] - j[0, 1] * j[1, 0] / j[1, 1], j[1, 1]
    assert max(abs(1 - 0.05 * c) for c in curvatures) == pytest.approx(radius, abs=1e-9)


@pytest.mark.parametrize(
    ("epsilon", "optimizer", "limit"), [(0.0, "optimistic-gradient", 0.2391), (0.0, "symplectic-gradient", 0.2929)]
)
def test_stability_limits_of_the_four_players(epsilon, optimizer, limit):
    inside, outside = (
        sb.spectral_radius({"four-player": {"epsilon": epsilon}}, {optimizer: {"step_size": limit + e}}) for e in (-1e-3, 1e-3)
    )
    assert inside < 1 < outside


def test_a_clipped_critic_stays_within_its_interval_and_wgan_gp_keeps_turning():
    clipped = sb.run(
        {"dirac-gan": {"loss": "wasserstein", "clip": 0.5, "start": [1.0, 1.0]}}, "simultaneous-gradient", seeds=1, steps=500
    )
    assert clipped.runs["status"].tolist() == ["cycling"]
    penalty = {"loss": "wasserstein", "gradient_penalty": 0.7, "start": [1.0, 1.0]}
    to_one, to_zero = (
        sb.run({"dirac-gan": {**penalty, "gradient_norm": norm}}, "simultaneous-gradient", seeds=1, steps=2000)
        .runs["status"]
        .item()
        for norm in (1.0, 0.0)
    )
    assert (to_one, to_zero) == ("cycling", "converged")
