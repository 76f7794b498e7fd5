"""One number thrice: the radius by closed form, by the Jacobian of the step, and by the rate of trajectories; do they agree?

The closed form knows no code, the Jacobian no formula, and the trajectories no derivative: each can show a fault of the others.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from saddlebench.bench.build import build_all
from saddlebench.bench.cells import Cell, Pairing, cross
from saddlebench.bench.local_rate import LocalRate, local_rate
from saddlebench.bench.predictions import prediction
from saddlebench.bench.settings import Settings
from saddlebench.bench.spectrum import NoSpectrumError, Spectrum, at_rest
from saddlebench.results.identity import canonical_json

_CLOSED_FORM = 1e-8  # closed forms are exact to rounding, which a multiple root multiplies in them too
COLUMNS = ("radius", "raw_radius", "predicted", "rate", "tolerance", "agreement", "period", "reason")
RADIUS, RATE = "radius ≠ predicted", "rate ≠ radius"


@dataclass(frozen=True)
class Compared:
    """A pairing's three numbers, per application of the step map (a whole period of a cyclic method).

    Attributes:
        spectrum: of the step at the equilibrium.
        predicted: the closed form's radius; None: there is none.
        measured: the local rate; None: it was not asked for.
    """

    spectrum: Spectrum
    predicted: float | None
    measured: LocalRate | None

    @property
    def numbers(self) -> dict[str, Any]:
        """The columns `COLUMNS`, but for the reason."""
        rate, tolerance = (None, None) if self.measured is None else (self.measured.rate, self.measured.tolerance)
        return {
            "radius": self.spectrum.radius_transverse,
            "raw_radius": self.spectrum.radius,
            "predicted": self.predicted,
            "rate": rate,
            "tolerance": tolerance,
            "agreement": self.agreement,
            "period": self.spectrum.period,
        }

    @property
    def agreement(self) -> str | None:
        """``"ok"``, or what differs; None where there is nothing to compare the radius with.

        The radius and its closed form may differ by what rounding does to both, the radius and the rate by the rate's tolerance.
        """
        radius, error = self.spectrum.radius_transverse, self.spectrum.radius_error
        differing = []
        if self.predicted is not None and abs(radius - self.predicted) > _CLOSED_FORM * max(1.0, radius) + 2 * error:
            differing.append(RADIUS)
        if self.measured is not None and abs(self.measured.rate - radius) > self.measured.tolerance + error:
            differing.append(RATE)
        if self.predicted is None and self.measured is None:
            return None
        return "; ".join(differing) or "ok"


def compare(pairing: Pairing, seed: int = 0, rate: bool = True) -> Compared:
    """The three numbers at the game's equilibrium.

    Args:
        pairing: the game and the optimizer.
        seed: of a game that is drawn by seed, and of the perturbations.
        rate: measure the rate too, which takes some hundred steps.

    Raises:
        NoSpectrumError: the pair has no spectrum there, and why.
    """
    step_map = at_rest(pairing.game, pairing.optimizer, seed)
    null_directions = pairing.game.null_directions(step_map.seeds)
    measured = local_rate(step_map, null_directions, seed) if rate else None
    return Compared(step_map.spectrum(null_directions), prediction(pairing), measured)


def spectra(games: Any, optimizers: Any, seed: int = 0, *, rate: bool = True) -> pd.DataFrame:
    """Predicted radius, measured radius and measured rate of every game × optimizer, at the game's equilibrium.

    Args:
        games: as for `saddlebench.run`: names, names with parameters, sweeps, files, instances.
        optimizers: likewise.
        seed: of a game that is drawn by seed, and of the perturbations.
        rate: measure the rate too, which takes some hundred steps a cell.

    Returns:
        A row a cell: ``game``, ``game_parameters``, ``optimizer``, ``optimizer_parameters`` (JSON); per application of the step map
        (``period`` steps) ``radius`` (without the game's null directions), ``raw_radius``, ``predicted`` (closed form), ``rate``
        and its ``tolerance``; ``agreement``: ``"ok"``, ``"radius ≠ predicted"``, ``"rate ≠ radius"``, or nothing where there is no
        spectrum, and ``reason`` says why.

    Raises:
        InputError: bad input.
    """
    cells = cross(build_all("game", games), build_all("optimizer", optimizers), [seed], Settings())
    identity = ["game", "game_parameters", "optimizer", "optimizer_parameters"]
    parts = [{k: v if isinstance(v, str) else canonical_json(v) for k in identity for v in [c.pairing.identity[k]]} for c in cells]
    rows = [_numbers(cell, rate) for cell in cells]
    frame = pd.DataFrame([{**part, **row} for part, row in zip(parts, rows, strict=True)], columns=[*identity, *COLUMNS])
    numbers = ["radius", "raw_radius", "predicted", "rate", "tolerance"]
    return frame.astype({**dict.fromkeys(numbers, "float64"), "period": "Int64"})


def _numbers(cell: Cell, rate: bool) -> dict[str, Any]:
    try:
        return compare(cell.pairing, cell.seed, rate).numbers
    except NoSpectrumError as error:
        return {"reason": str(error)}
