"""Methods that follow the inner player's best reply, on the quadratic game, by its Schur complement C = P + AQ⁻¹Aᵀ.

They need Q to be invertible: on a bilinear game they are not defined.
"""

import numpy as np

from saddlebench.results.theory.formula import Formula, formula
from saddlebench.results.theory.linearisation import Array, Linearisation, NoClosedForm, polynomial_roots
from saddlebench.results.theory.settings import Settings

_SINGULAR = 1e-12


def _curvatures(game: Linearisation) -> tuple[Array, Array]:
    """The eigenvalues of C and of Q. C's null directions are J's, as det J = det Q · det C."""
    game.two_players()
    q = np.linalg.eigvalsh(game.q)
    if np.abs(q).min(initial=np.inf) <= _SINGULAR * max(np.abs(q).max(initial=0), np.abs(game.a).max(initial=0)):
        raise NoClosedForm("f_yy is singular: the best reply is not defined")
    schur = game.p + game.a @ np.linalg.solve(game.q, game.a.T)
    c = np.linalg.eigvalsh((schur + schur.T) / 2)
    if game.transverse:
        c = c[np.abs(c) > _SINGULAR * max(np.abs(c).max(initial=0), np.abs(game.p).max(initial=0))]
    return c, q


def follow_the_ridge(game: Linearisation, settings: Settings) -> Array:
    """1 − t for t in η_x eig(C), η_y eig(Q) (Wang, Zhang, Ba 2020); with momentum z² − (1 + β − t)z + β."""
    game.opposed()
    c, q = _curvatures(game)
    step_x, step_y = settings.pair("step_size")
    moves = np.concatenate([step_x * c, step_y * q])
    beta = settings.number("momentum", 0.0)
    if not beta:
        return 1 - moves
    fading = [beta] if len(c) < len(game.p) else []  # the velocity along a null direction
    return np.concatenate([polynomial_roots(1.0, -(1 + beta - moves), beta), fading])


def newton_reply(game: Linearisation, settings: Settings) -> Array:
    """1 − η_x eig(C), and zeros (GDN; Zhang, Wu, Poupart, Yu 2020)."""
    c, q = _curvatures(game)
    return np.concatenate([1 - settings.pair("step_size")[0] * c, np.zeros(len(q))])


def complete_newton(game: Linearisation, settings: Settings) -> Array:
    """1 − η, and zeros: on a quadratic game two steps of η = 1 are exact (Zhang, Wu, Poupart, Yu 2020)."""
    c, q = _curvatures(game)
    if len(c) < len(game.p) or np.any(np.abs(c) <= _SINGULAR * np.abs(c).max()):
        raise NoClosedForm("the Schur complement is singular")
    return np.concatenate([np.full(len(c), 1 - settings.pair("step_size", 1.0)[0]), np.zeros(len(q))])


_RIDGE = "max(|1 − η_x eig(C)|, |1 − η_y eig(Q)|), C = P + AQ⁻¹Aᵀ"
FORMULAS: dict[str, Formula] = {
    "follow-the-ridge": formula(
        _RIDGE + "; with momentum z² − (1+β−ηt)z + β = 0 for those t (Wang et al. 2020)",
        "step_size momentum total",  # with the total derivative the spectrum is the same
        follow_the_ridge,
        memory=True,
    ),
    "total-gradient": formula(_RIDGE + " (Fiez et al. 2020)", "step_size", follow_the_ridge),
    "gradient-descent-newton": formula("max|1 − η_x eig(C)|, C = P + AQ⁻¹Aᵀ", "step_size", newton_reply),
    "complete-newton": formula("|1 − η|; 0 where η = 1: nilpotent, exact after two steps", "step_size", complete_newton),
}
