"""Methods that run another one inside: unrolling, and lookahead over a base optimizer."""

from collections.abc import Mapping

import numpy as np

from saddlebench.results.theory.formula import Formula, formula
from saddlebench.results.theory.linearisation import Array, Linearisation, NoClosedForm
from saddlebench.results.theory.settings import Settings


def unrolled(game: Linearisation, settings: Settings) -> Array:
    """x descends f(x, y^K(x, y)) through K inner steps of y (Metz et al. 2017).

    On a block y^K = r^K y + cσx with r = 1 − η_uμ_y and c = η_u Σ_{j<K} r^j, so x's total gradient is
    (μ_x + cσ²(1 + r^K))x + σr^{2K}y; bilinear: |z|² = 1 − 2Kηη_uσ² + η²σ², and without η²σ² where y answers x⁺.
    """
    game.opposed()
    if settings.part("inner_rule", "gradient")[0] != "gradient":
        raise NoClosedForm("closed forms unroll plain gradient steps")
    blocks, inner, count = game.blocks(), settings.number("inner_step_size"), settings.count("inner_steps")
    mu_x, mu_y, sigma = blocks.mu_x, blocks.mu_y, blocks.sigma
    rate = 1 - inner * mu_y
    reach = inner * sum((rate**j for j in range(count)), np.zeros_like(rate))
    own, cross = mu_x + reach * sigma**2 * (1 + rate**count), sigma * rate ** (2 * count)
    step = settings.pair("step_size")
    if not settings.raw("alternating", False):
        return blocks.step(step, (own, cross, -sigma, mu_y))
    step_x, step_y = blocks.of(step)
    keep_x, keep_y = 1 - step_x * own, 1 - step_y * mu_y
    return blocks.roots(keep_x + keep_y - step_x * step_y * sigma * cross, keep_x * keep_y)


def _base(formulas: Mapping[str, Formula], game: Linearisation, settings: Settings) -> tuple[Formula, Settings]:
    """The base's formula and settings."""
    name, parameters = settings.part("base", "")
    base = formulas.get(name)
    if base is None or game.domain not in base.domains:
        raise NoClosedForm(f"no closed form is known for the base {name!r} on this game")
    return base, Settings(parameters, base.keys)


def averaged(formulas: Mapping[str, Formula]) -> Formula:
    """The base's own spectrum: an average of iterates changes no iterate."""

    def spectrum(game: Linearisation, settings: Settings) -> Array:
        base, parameters = _base(formulas, game, settings)
        return base.spectrum(game, parameters)

    return formula(
        "that of the base, whose iterates it only averages",
        "base decay start_step",
        spectrum,
        memory=True,
        domains="unconstrained simplex",
    )


def lookahead_minmax(formulas: Mapping[str, Formula]) -> Formula:
    """1 − α + αν^k for every eigenvalue ν of the base (Chavdarova et al. 2021), per cycle of k base steps.

    The base must have no state of its own: what becomes of a momentum when both players jump back is no function of ν.
    """

    def spectrum(game: Linearisation, settings: Settings) -> Array:
        base, parameters = _base(formulas, game, settings)
        if base.memory:
            raise NoClosedForm("no closed form for lookahead over a base with a state of its own")
        inner = base.spectrum(game, parameters)
        alpha = settings.number("alpha")
        return 1 - alpha + alpha * inner ** settings.count("inner_steps")

    return formula(
        "max|1 − α + αν^k| over the base's eigenvalues ν, per cycle (Chavdarova et al. 2021)",
        "inner_steps alpha base",
        spectrum,
        domains="unconstrained simplex",
    )


FORMULAS: dict[str, Formula] = {
    "unrolled": formula(
        "|1 − eig(D[[μ_x + cσ²(1+r^K), σr^{2K}], [−σ, μ_y]])|, r = 1−η_uμ_y, c = η_uΣ_{j<K} r^j; y answers x⁺ if alternating",
        "step_size inner_step_size inner_steps inner_rule alternating",
        unrolled,
    ),
}
