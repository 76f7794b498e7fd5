"""Theory's number beside the measured one. The only module of the bench that knows the closed forms; nothing measures from it."""

from saddlebench.bench.cells import Pairing
from saddlebench.results.theory import predicted_radius


def prediction(pairing: Pairing) -> float | None:
    """The closed-form spectral radius of a pairing at its game's equilibrium, without null directions; None where there is none."""
    identity = pairing.identity
    if identity["game_source"] or identity["optimizer_source"]:
        return None
    return predicted_radius(identity["game"], identity["game_parameters"], identity["optimizer"], identity["optimizer_parameters"])
