"""One number thrice: the radius by closed form, by the Jacobian of the step, and by the rate of trajectories, and whether they agree.

The closed form knows no code, the Jacobian no formula, and the trajectories no derivative: each can show a fault of the others.
"""

from dataclasses import dataclass

from saddlebench.bench.cells import Pairing
from saddlebench.bench.local_rate import LocalRate, local_rate
from saddlebench.bench.predictions import prediction
from saddlebench.bench.spectrum import Spectrum, at_rest

_CLOSED_FORM = 1e-8  # closed forms are exact to rounding, which a multiple root multiplies in them too
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
