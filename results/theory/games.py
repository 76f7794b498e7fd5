"""The linearisation of each game that has closed forms, from the game's parameters alone."""

from collections.abc import Callable, Mapping
from math import pi, sqrt, tan
from typing import Any

import numpy as np

from saddlebench.results.theory import critical_points
from saddlebench.results.theory.linearisation import Array, Linearisation, NoClosedForm
from saddlebench.results.theory.settings import Settings


def linearise(game: str, parameters: Mapping[str, Any], transverse: bool) -> Linearisation:
    """The game at its equilibrium; `NoClosedForm` where theory does not know it."""
    if game not in _GAMES:
        raise NoClosedForm(f"no closed form is known for the game {game!r}")
    known, build = _GAMES[game]
    return build(Settings(parameters, known), transverse)


def _bilinear(settings: Settings, transverse: bool) -> Linearisation:
    """f = xᵀAy + bᵀx + cᵀy: J has ±iσ_j(A), and |m − n| zeros. b and c move the equilibrium, not J.

    Of a matrix drawn by seed, U diag(s) Vᵀ, the singular values are known: s is log-spaced from 1 down to
    1/condition_number. U and V are changes of basis within a player.
    """
    if not settings.has("matrix") and (settings.has("shape") or settings.has("sizes")):
        rows, columns = (int(size) for size in settings.pair("shape" if settings.has("shape") else "sizes"))
        count, condition = min(rows, columns), settings.number("condition_number", 1.0)
        if count < 1 or condition <= 0:
            raise NoClosedForm("shape and condition_number must be positive")
        a = np.zeros((rows, columns))
        a[range(count), range(count)] = np.logspace(0, -np.log10(condition), count)
    else:
        a = _matrix(settings, "matrix", [[1.0]])
    m, n = a.shape
    return Linearisation(np.zeros((m, m)), a, np.zeros((n, n)), "λ = ±iσ_j(A)", transverse)


def _quadratic(settings: Settings, transverse: bool) -> Linearisation:
    """f = ½xᵀPx + xᵀAy − ½yᵀQy; only the symmetric parts of P and Q are felt."""
    p, a, q = (_matrix(settings, key) for key in ("p", "matrix", "q"))
    if p.shape != (a.shape[0],) * 2 or q.shape != (a.shape[1],) * 2:
        raise NoClosedForm("the shapes of p, matrix and q do not fit")
    return Linearisation((p + p.T) / 2, a, (q + q.T) / 2, "J = [[P, A], [−Aᵀ, Q]]", transverse)


def _dirac_gan(settings: Settings, transverse: bool) -> Linearisation:
    """L = f(ψθ) + f(−ψc) at (c, 0): f′(0) = ½ and f″(0) = −¼ for f(t) = −log(1 + e^{−t}); f(t) = t for the Wasserstein
    loss.

    The discriminator's curvature is γ from R1's (γ/2)ψ², likewise λ from a gradient penalty that draws to 0, and −2f″(0)(s² + c²)
    from instance noise of standard deviation s on both samples and from their place c. Source: Mescheder, Geiger, Nowozin, ICML
    2018, for c = 0.
    """
    loss = settings.raw("loss", "minimax")
    if loss not in ("minimax", "non-saturating", "wasserstein"):
        raise NoClosedForm(f"the loss {loss!r} is not known")
    gradient, norm = settings.number("gradient_penalty", 0.0), settings.number("gradient_norm", 1.0)
    if gradient and norm:
        raise NoClosedForm("the gradient penalty's field jumps at ψ = 0: it has no Jacobian")
    target, noise = settings.number("target", 0.0), settings.number("instance_noise", 0.0)
    if target and loss == "non-saturating":
        raise NoClosedForm("a non-saturating generator's loss has a slope in ψ at (c, 0)")
    slope, curvature = (1.0, 0.0) if loss == "wasserstein" else (0.5, -0.25)
    penalty = settings.number("r1", 0.0) + gradient
    q = penalty - 2 * curvature * (noise**2 + target**2)
    # A penalty is the discriminator's alone; a non-saturating generator feels the noise's curvature with the other
    # sign.
    zero_sum = penalty == 0 and (loss != "non-saturating" or q == 0)
    text = f"J = [[0, {slope:g}], [−{slope:g}, {q:g}]]"
    return Linearisation(np.zeros((1, 1)), np.array([[slope]]), np.array([[q]]), text, transverse, zero_sum)


def _rock_paper_scissors(settings: Settings, transverse: bool) -> Linearisation:
    """At the uniform profile the payoff matrix has the singular value √3 twice, on the sum-zero plane.

    Softmax strategies put I/3 − 11ᵀ/9 (⅓ on that plane) on both sides of it: σ = √3/9. Their curvature vanishes
    because all actions pay the same at the equilibrium, and adding one number to all logits changes nothing: a null
    direction a player.
    """
    form = settings.raw("form", "simplex")
    if form == "softmax":
        a = np.diag([sqrt(3) / 9, sqrt(3) / 9, 0.0])
        return Linearisation(np.zeros((3, 3)), a, np.zeros((3, 3)), "λ = ±i√3/9", transverse)
    if form != "simplex":
        raise NoClosedForm(f"the form {form!r} is not known")
    # Normalising and projecting both forget the direction that leaves the simplex: it has eigenvalue 0, not 1.
    a, zero = np.diag([sqrt(3), sqrt(3)]), np.zeros((2, 2))
    return Linearisation(zero, a, zero, "λ = ±i√3 on the sum-zero plane", transverse, domain="simplex", weight=1 / 3)


def _matching_pennies(settings: Settings, transverse: bool) -> Linearisation:
    """At (½, ½) the payoff [[1, −1], [−1, 1]] has the singular value 2 on the sum-zero line; σ′(0) = ¼ puts (1, −1)/4 on both
    sides of it for logits: 4/16.
    """
    form, zero = settings.raw("form", "simplex"), np.zeros((1, 1))
    if form == "logit":
        return Linearisation(zero, np.array([[0.25]]), zero, "λ = ±i/4", transverse)
    if form != "simplex":
        raise NoClosedForm(f"the form {form!r} is not known")
    text = "λ = ±2i on the sum-zero line"
    return Linearisation(zero, np.array([[2.0]]), zero, text, transverse, domain="simplex", weight=1 / 2)


def _four_player(settings: Settings, transverse: bool) -> Linearisation:
    """Four pairwise zero-sum players with curvature ε: J = εI + antisymmetric, λ = ε ± i cot(π/8), ε ± i cot(3π/8).

    Source: Balduzzi et al., ICML 2018.
    """
    own = settings.number("epsilon") * np.eye(2)
    a = np.diag([1 / tan(pi / 8), 1 / tan(3 * pi / 8)])
    text = "λ = ε ± i cot(π/8), ε ± i cot(3π/8)"
    return Linearisation(own, a, own, text, transverse, zero_sum=False, mixed=True)


def _matrix(settings: Settings, key: str, *default: Any) -> Array:
    matrix = np.atleast_2d(settings.array(key, *default))
    if matrix.ndim != 2:
        raise NoClosedForm(f"{key!r} is not a matrix")
    return matrix


_GAMES: dict[str, tuple[frozenset[str], Callable[[Settings, bool], Linearisation]]] = {
    "bilinear": (frozenset({"matrix", "b", "c", "shape", "sizes", "condition_number"}), _bilinear),
    "quadratic": (frozenset({"p", "matrix", "q"}), _quadratic),
    "dirac-gan": (frozenset({"loss", "r1", "instance_noise", "gradient_penalty", "gradient_norm", "clip", "target"}), _dirac_gan),
    "rock-paper-scissors": (frozenset({"form"}), _rock_paper_scissors),
    "matching-pennies": (frozenset({"form"}), _matching_pennies),
    "four-player": (frozenset({"epsilon"}), _four_player),
    **critical_points.GAMES,
}
