"""Theory's number beside the measured one. The only module of the bench that knows the closed forms; nothing measures from it."""

from collections.abc import Iterable

from saddlebench.bench.build import name_of, parameters_of, source_hash
from saddlebench.bench.cells import Pairing
from saddlebench.games.game import Game
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.results.theory import predicted_radius
from saddlebench.results.theory.optima import Optimum, optimum


def prediction(pairing: Pairing) -> float | None:
    """The closed-form spectral radius of a pairing at its game's equilibrium, without null directions; None where there is none."""
    identity = pairing.identity
    if identity["game_source"] or identity["optimizer_source"]:
        return None
    return predicted_radius(identity["game"], identity["game_parameters"], identity["optimizer"], identity["optimizer_parameters"])


def best_prediction(game: Game, optimizer: Optimizer, free: Iterable[str]) -> Optimum | None:
    """The closed-form best values of the ``free`` hyperparameters, the others as they are; None where there is none."""
    if source_hash(game) or source_hash(optimizer):
        return None
    return optimum(name_of(game), parameters_of(game), name_of(optimizer), parameters_of(optimizer), free)
