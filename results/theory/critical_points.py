"""Linearisations of the games of a few numbers at their critical points, from the games' parameters alone."""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np

from saddlebench.results.theory.linearisation import Linearisation, NoClosedForm
from saddlebench.results.theory.settings import Settings

_HESSIANS = {  # (f_xx, f_xy, f_yy) at the known point
    "f1": (-6.0, 4.0, -2.0),
    "f2": (6.0, 4.0, 2.0),
    "f3": (-1.0, 0.6, -0.2),
    "sine": (2 * (2 + np.sin(pi / 2)), 0.0, -np.sin(pi / 2)),
}


def _numbers(p: float, a: float, q: float, text: str, transverse: bool, zero_sum: bool = True) -> Linearisation:
    """J = [[p, a], [−a, q]]."""
    return Linearisation(np.array([[p]]), np.array([[a]]), np.array([[q]]), text, transverse, zero_sum)


def _weak_attractor(settings: Settings, transverse: bool) -> Linearisation:
    """J = [[μ, σ], [−σ, μ]]; ℓ₁ + ℓ₂ is not constant (Letcher et al. 2019)."""
    mu, sigma = settings.number("attraction"), settings.number("rotation")
    return _numbers(mu, sigma, mu, "λ = μ ± iσ", transverse, zero_sum=False)


def _weak_repellor(settings: Settings, transverse: bool) -> Linearisation:
    """J = [[−ε, −1], [1, −ε]] (Letcher et al. 2019)."""
    epsilon = settings.number("epsilon")
    return _numbers(-epsilon, -1.0, -epsilon, "λ = −ε ± i", transverse, zero_sum=False)


def _consensus_failure(settings: Settings, transverse: bool) -> Linearisation:
    """J = −κI (Letcher et al. 2019)."""
    kappa = settings.number("kappa")
    return _numbers(-kappa, 0.0, -kappa, "λ = −κ", transverse, zero_sum=False)


def _ridge(settings: Settings, transverse: bool) -> Linearisation:
    """J = [[f_xx, f_xy], [−f_xy, −f_yy]] of the four functions (Wang et al. 2020; Zhang et al. 2020)."""
    function = settings.raw("function", "f1")
    if function not in _HESSIANS:
        raise NoClosedForm(f"the function {function!r} is not known")
    own, cross, other = _HESSIANS[function]
    return _numbers(own, cross, -other, "J = [[f_xx, f_xy], [−f_xy, −f_yy]]", transverse)


def _almost_bilinear(settings: Settings, transverse: bool) -> Linearisation:
    """f = xy + ε(y²/2 − y⁴/4) at 0: J = [[0, 1], [−1, −ε]]."""
    return _numbers(0.0, 1.0, -settings.number("epsilon"), "J = [[0, 1], [−1, −ε]]", transverse)


def _forsaken(settings: Settings, transverse: bool) -> Linearisation:
    """f = x(y − .45) + φ(x) − φ(y) at its critical point, inside the box: J = [[φ″(x), 1], [−1, φ″(y)]].

    There x = φ′(y), and y is the root of y − .45 + φ′(φ′(y)), which rises on [0, ½]: found by bisection.
    """

    def slope(z: float) -> float:
        return z / 2 - 2 * z**3 + z**5

    y = _root(lambda y: y - 0.45 + slope(slope(y)), 0.0, 0.5)
    curvatures = [1 / 2 - 6 * z**2 + 5 * z**4 for z in (slope(y), y)]
    return _numbers(curvatures[0], 1.0, curvatures[1], "J = [[φ″(x), 1], [−1, φ″(y)]] at (.0780, .4119)", transverse)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return low


def _gaussian_mean(settings: Settings, transverse: bool) -> Linearisation:
    """f = ⟨w, v − θ⟩: bilinear with A = −I. Minibatches add noise that does not depend on θ and w."""
    size = settings.array("mean", (3.0, 4.0)).size
    zero = np.zeros((size, size))
    return Linearisation(zero, -np.eye(size), zero, "λ = ±i", transverse)


def _covariance(settings: Settings, transverse: bool) -> Linearisation:
    """f = Σ W_ij(Σ − VVᵀ)_ij at (Σ^½, 0): on the pairs i ≤ j of Σ's eigenvalues s the singular values √(2(s_i + s_j)).

    The skew parts of V and of W are null directions, of W only without the penalty λ, which is W's curvature.
    """
    if settings.has("covariance"):
        eigenvalues = np.linalg.eigvalsh(settings.array("covariance"))
    else:
        size = settings.count("size") if settings.has("size") else 1
        eigenvalues = np.logspace(0, -np.log10(settings.number("condition_number", 4.0)), size) if size > 1 else np.ones(1)
    d = len(eigenvalues)
    speeds = [sqrt(2 * (eigenvalues[i] + eigenvalues[j])) for i in range(d) for j in range(i + 1)]
    a = np.diag(np.concatenate([speeds, np.zeros(d * d - len(speeds))]))
    penalty = settings.number("penalty", 0.0)
    text = "λ(λ − penalty) = −2(s_i + s_j), i ≤ j"
    return Linearisation(np.zeros_like(a), a, penalty * np.eye(d * d), text, transverse, zero_sum=penalty == 0)


GAMES = {
    "weak-attractor": (frozenset({"attraction", "rotation"}), _weak_attractor),
    "weak-repellor": (frozenset({"epsilon"}), _weak_repellor),
    "consensus-failure": (frozenset({"kappa"}), _consensus_failure),
    "ridge": (frozenset({"function"}), _ridge),
    "almost-bilinear": (frozenset({"epsilon"}), _almost_bilinear),
    "forsaken": (frozenset({"box"}), _forsaken),
    "gaussian-mean-gan": (frozenset({"mean"}), _gaussian_mean),
    "covariance-gan": (frozenset({"covariance", "size", "condition_number", "penalty"}), _covariance),
}
