"""The best hyperparameters in closed form: where the predicted spectral radius is smallest over some of them.

σ is a singular value of the coupling A, λ = μ ± iσ an eigenvalue of the game's Jacobian, R = |λ|. "Single σ" means that all
singular values are equal. Sources are those of the radii (`saddlebench.results.theory`) unless an entry names another. No optimum
stands here for a method that converges for no choice (simultaneous gradient on a bilinear game) or the better the larger its step
(the proximal point method).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from saddlebench.results.theory import predicted_radius
from saddlebench.results.theory.games import linearise
from saddlebench.results.theory.linearisation import Array, Linearisation, NoClosedForm

_SAME = 1e-9  # relative: eigenvalues that are one
_AGREES = 1e-3  # of radii: at a triple root rounding of 1e-16 moves them by 1e-5
_ROOT3 = sqrt(3)


@dataclass(frozen=True)
class Optimum:
    """The smallest radius, where it is attained, and the formula.

    Attributes:
        values: hyperparameter → value; ``momentum.0`` is the first player's.
        radius: max|z| there, per application of the step map.
        text: the formulas.
    """

    values: dict[str, float]
    radius: float
    text: str


_Finder = Callable[[Linearisation, Mapping[str, Any]], Optimum | None]


def optimum(
    game: str,
    game_parameters: Mapping[str, Any],
    optimizer: str,
    optimizer_parameters: Mapping[str, Any],
    free: Iterable[str],
) -> Optimum | None:
    """The values of the ``free`` hyperparameters that minimise the radius, the others as given; None where no closed form is known.

    It is returned only where `predicted_radius` at those values is the radius claimed: an option that makes another method of
    the optimizer is never passed over.
    """
    finder = _OPTIMA.get((optimizer, frozenset(free)))
    if finder is None:
        return None
    try:
        found = finder(linearise(game, game_parameters, transverse=True), optimizer_parameters)
    except NoClosedForm:
        return None
    if found is None:
        return None
    radius = predicted_radius(game, game_parameters, optimizer, _placed(optimizer_parameters, found.values))
    return found if radius is not None and abs(radius - found.radius) <= _AGREES else None


def _placed(parameters: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
    """The parameters with values put in: ``momentum.0`` is the first of a list."""
    placed = dict(parameters)
    for name, value in values.items():
        key, _, index = name.partition(".")
        if index:
            placed[key] = [value if k == int(index) else old for k, old in enumerate(placed[key])]
        else:
            placed[key] = value
    return placed


def _rotation(game: Linearisation) -> tuple[float, float]:
    """The smallest and largest σ of a game whose eigenvalues are all ±iσ."""
    eigenvalues = _eigenvalues(game)
    if np.abs(np.real(eigenvalues)).max() > _SAME * np.abs(eigenvalues).max():
        raise NoClosedForm("known for games without curvature")
    sigma = np.abs(np.imag(eigenvalues))
    return float(sigma.min()), float(sigma.max())


def _single(game: Linearisation) -> float:
    """σ of a game whose eigenvalues are all ±iσ with one σ."""
    low, high = _rotation(game)
    if high - low > _SAME * high:
        raise NoClosedForm("known where all singular values are equal")
    return high


def _curvatures(game: Linearisation) -> tuple[float, float]:
    """The smallest and largest eigenvalue of a game whose eigenvalues are all real and positive."""
    eigenvalues = _eigenvalues(game)
    if np.abs(np.imag(eigenvalues)).max() > _SAME * np.abs(eigenvalues).max() or np.real(eigenvalues).min() <= 0:
        raise NoClosedForm("known for games without rotation")
    return float(np.real(eigenvalues).min()), float(np.real(eigenvalues).max())


def _eigenvalues(game: Linearisation) -> Array:
    eigenvalues = game.eigenvalues()
    if not len(eigenvalues):
        raise NoClosedForm("every direction of the game is a null direction")
    return eigenvalues


def _extragradient(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum | None:
    """ρ² = max(1 − η²σ² + η⁴σ⁴) with γ = η is smallest where both ends of the range of σ are equal."""
    if parameters.get("extrapolation_step") is not None:
        return _ahead(game, parameters["extrapolation_step"])
    low, high = _rotation(game)
    total = low**2 + high**2
    text = "η = 1/√(σ_min² + σ_max²), ρ² = 1 − σ_min²σ_max²/(σ_min² + σ_max²)²"
    return Optimum({"step_size": total**-0.5}, sqrt(1 - (low * high / total) ** 2), text)


def _foresight(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum | None:
    """Methods that are extragradient with γ fixed on a game without curvature; γ = η has another optimum."""
    return None if parameters.get("gamma") is None else _ahead(game, parameters["gamma"])


def _ahead(game: Linearisation, gamma: Any) -> Optimum | None:
    """ρ² = max((1 − ηγσ²)² + η²σ²): the smallest σ's own minimiser, or where the ends of the range are equal if that is smaller."""
    if not isinstance(gamma, float | int) or gamma <= 0:
        return None
    low, high = (sigma**2 for sigma in _rotation(game))
    step = min(gamma / (1 + gamma**2 * low), 2 * gamma / (1 + gamma**2 * (low + high)))
    text = "η = min(γ/(1 + γ²σ_min²), 2γ/(1 + γ²(σ_min² + σ_max²))), ρ² = (1 − ηγσ_min²)² + η²σ_min²"
    return Optimum({"step_size": step}, sqrt((1 - step * gamma * low) ** 2 + step**2 * low), text)


def _optimistic(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum:
    """A double root."""
    return Optimum({"step_size": 0.5 / _single(game)}, sqrt(0.5), "single σ: η = 1/(2σ), ρ = 1/√2")


def _simultaneous(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum:
    """One pair λ = μ ± iσ, or real eigenvalues between m and L."""
    eigenvalues = _eigenvalues(game)
    mu, sigma = float(eigenvalues[0].real), float(abs(eigenvalues[0].imag))
    pair = mu + 1j * np.sign(np.imag(eigenvalues)) * sigma
    if sigma > 0 and np.abs(eigenvalues - pair).max() <= _SAME * abs(eigenvalues[0]):
        if mu <= _SAME * sigma:
            raise NoClosedForm("no step size converges")
        size = mu**2 + sigma**2
        return Optimum({"step_size": mu / size}, sigma / sqrt(size), "λ = μ ± iσ: η = μ/R², ρ = σ/R")
    low, high = _curvatures(game)
    return Optimum({"step_size": 2 / (low + high)}, (high - low) / (high + low), "m ≤ λ ≤ L: η = 2/(m + L), ρ = (L − m)/(L + m)")


def _alternating(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum:
    """One block with equal curvatures: a double root."""
    game.two_players()
    blocks = game.blocks()
    mu, sigma = float(blocks.mu_x[0]), float(blocks.sigma[0])
    same = [np.abs(x - y).max() <= _SAME * (mu + sigma) for x, y in ((blocks.mu_x, mu), (blocks.mu_y, mu), (blocks.sigma, sigma))]
    if not all(same) or mu <= 0 or sigma <= 0:
        raise NoClosedForm("known for one block with equal, positive curvatures")
    size = sqrt(mu**2 + sigma**2)
    return Optimum({"step_size": 2 / (size + mu)}, (size - mu) / (size + mu), "λ = μ ± iσ: η = 2/(R + μ), ρ = (R − μ)/(R + μ)")


def _heavy_ball(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum:
    """Polyak 1964, for real eigenvalues: double roots at both ends of the range."""
    low, high = (sqrt(curvature) for curvature in _curvatures(game))
    rate = (high - low) / (high + low)
    values = {"step_size": (2 / (high + low)) ** 2, "momentum": rate**2}
    return Optimum(values, rate, "m ≤ λ ≤ L: η = 4/(√L + √m)², β = ρ², ρ = (√L − √m)/(√L + √m) (Polyak 1964)")


def _negative_momentum(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum:
    """Both players with one β: two double roots."""
    step = sqrt(64 * (2 * _ROOT3 - 3) / 9) / _single(game)
    text = "single σ: β = −(7 − 4√3), η²σ² = 64(2√3 − 3)/9, ρ = 2√3 − 3"
    return Optimum({"step_size": step, "momentum": -(7 - 4 * _ROOT3)}, 2 * _ROOT3 - 3, text)


def _one_sided(player: int) -> _Finder:
    """Momentum of one player, none of the other: z(z + ½)³."""

    def find(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum | None:
        momentum = parameters.get("momentum")
        if not isinstance(momentum, list | tuple) or len(momentum) != 2 or momentum[1 - player] != 0:
            return None
        values = {"step_size": sqrt(27 / 8) / _single(game), f"momentum.{player}": -1 / 8}
        return Optimum(values, 0.5, "single σ, momentum of one player: β = −1/8, η²σ² = 27/8, ρ = ½")

    return find


def _hamiltonian(game: Linearisation, parameters: Mapping[str, Any]) -> Optimum:
    """Gradient descent on ½‖v‖², whose curvatures are the squared singular values of J."""
    squares = game.hamiltonian((1.0, 1.0))
    if not len(squares):
        raise NoClosedForm("every direction of the game is a null direction")
    low, high = float(squares.min()), float(squares.max())
    text = "s a singular value of J: η = 2/(s_min² + s_max²), ρ = (s_max² − s_min²)/(s_max² + s_min²)"
    return Optimum({"step_size": 2 / (low + high)}, (high - low) / (high + low), text)


_STEP = frozenset({"step_size"})
_OPTIMA: dict[tuple[str, frozenset[str]], _Finder] = {
    ("simultaneous-gradient", _STEP): _simultaneous,
    ("alternating-gradient", _STEP): _alternating,
    ("heavy-ball", _STEP | {"momentum"}): _heavy_ball,
    ("alternating-heavy-ball", _STEP | {"momentum"}): _negative_momentum,
    ("alternating-heavy-ball", _STEP | {"momentum.0"}): _one_sided(0),
    ("alternating-heavy-ball", _STEP | {"momentum.1"}): _one_sided(1),
    ("extragradient", _STEP): _extragradient,
    ("past-extragradient", _STEP): _optimistic,
    ("optimistic-gradient", _STEP): _optimistic,
    ("hamiltonian-gradient", _STEP): _hamiltonian,
    **{(name, _STEP): _foresight for name in ("consensus", "symplectic-gradient", "jare", "lookahead")},
}
