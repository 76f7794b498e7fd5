"""Closed-form spectral radii: what theory says a measured spectral radius should be.

Nothing here plays a game or takes a step, and the measurement imports nothing from here: the two can only agree by being
right. A prediction is the largest modulus of the step map's eigenvalues at the equilibrium; of a method with a cycle, per
cycle. ``transverse`` leaves out the eigenvalue 1 of every null direction of the game (J u = 0). What a method remembers along
such a direction still fades, and stays in.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from saddlebench.results.theory import adjusted, alternating, linear, nested, ridge, simplex
from saddlebench.results.theory.formula import Formula
from saddlebench.results.theory.games import linearise
from saddlebench.results.theory.linearisation import Array, Linearisation, NoClosedForm
from saddlebench.results.theory.settings import Settings

__all__ = ["NoClosedForm", "explain", "predicted_radius", "predicted_spectrum"]

_FORMULAS: dict[str, Formula] = {
    **linear.FORMULAS,
    **alternating.FORMULAS,
    **adjusted.FORMULAS,
    **simplex.FORMULAS,
    **ridge.FORMULAS,
    **nested.FORMULAS,
}
_FORMULAS["lookahead-minmax"] = nested.lookahead_minmax(_FORMULAS)
_FORMULAS |= dict.fromkeys(("uniform-average", "moving-average"), nested.averaged(_FORMULAS))


def predicted_radius(
    game: str,
    game_parameters: Mapping[str, Any],
    optimizer: str,
    optimizer_parameters: Mapping[str, Any],
    *,
    transverse: bool = True,
) -> float | None:
    """ρ = max|z| over the eigenvalues z of the step map at the equilibrium; None where no closed form is known."""
    try:
        values = predicted_spectrum(game, game_parameters, optimizer, optimizer_parameters, transverse=transverse)
    except NoClosedForm:
        return None
    return float(np.abs(values).max())


def explain(
    game: str,
    game_parameters: Mapping[str, Any],
    optimizer: str,
    optimizer_parameters: Mapping[str, Any],
    *,
    transverse: bool = True,
) -> str | None:
    """The formula behind `predicted_radius` and where the game's eigenvalues come from; None where that is None."""
    try:
        predicted_spectrum(game, game_parameters, optimizer, optimizer_parameters, transverse=transverse)
        text = linearise(game, game_parameters, transverse).text
    except NoClosedForm:
        return None
    return f"{_FORMULAS[optimizer].text}; {text}"


def predicted_spectrum(
    game: str,
    game_parameters: Mapping[str, Any],
    optimizer: str,
    optimizer_parameters: Mapping[str, Any],
    *,
    transverse: bool = True,
) -> Array:
    """The eigenvalues that the closed form gives, some of them twice, without the zeros that a method's state adds.

    Raises `NoClosedForm`, whose message says why, where theory does not know the cell.
    """
    formula = _FORMULAS.get(optimizer)
    if formula is None:
        raise NoClosedForm(f"no closed form is known for the optimizer {optimizer!r}")
    linearisation = linearise(game, game_parameters, transverse)
    if linearisation.domain not in formula.domains:
        raise NoClosedForm(f"{optimizer} is not known on the {linearisation.domain} domain")
    return _evaluate(formula, linearisation, Settings(optimizer_parameters, formula.keys))


def _evaluate(formula: Formula, linearisation: Linearisation, settings: Settings) -> Array:
    with np.errstate(all="ignore"):
        try:
            values = formula.spectrum(linearisation, settings)
        except (np.linalg.LinAlgError, ArithmeticError) as error:
            raise NoClosedForm(str(error)) from error
    if not len(values):
        raise NoClosedForm("every direction of the game is a null direction")
    if not np.all(np.isfinite(values)):
        raise NoClosedForm("the eigenvalues overflow")
    return values
