"""Cells: one (game, optimizer, seed, settings) each, hashed, and the groups of them that step together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

from saddlebench import parameters
from saddlebench.bench.build import name_of, parameters_of, source_hash
from saddlebench.bench.settings import PROTOCOL, Settings
from saddlebench.bench.stacking import skeleton
from saddlebench.errors import InputError
from saddlebench.games.game import Game
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.results.identity import digest

_PER_PLAYER = (parameters.Real, parameters.Positive, parameters.NonNegative, parameters.Momentum, parameters.Decay)


@dataclass(frozen=True)
class Pairing:
    """One game and one optimizer under one settings: what the cells of all its seeds share.

    Attributes:
        game: the game.
        optimizer: the optimizer, its hyperparameters plain numbers.
        settings: with the steps filled in.
        suite: the suite that asked for it.
        track: ``"defaults"``, or ``"tuned"`` where the hyperparameters are the winners of a search. Like the suite it is no part of
            the identity: it says how the numbers were found, not what is run. A row keeps the track of the request that ran it.
    """

    game: Game
    optimizer: Optimizer
    settings: Settings
    suite: str | None = None
    track: str = "defaults"

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that makes a cell another cell but the seed, as JSON holds it."""
        return {
            "game": name_of(self.game),
            "game_parameters": parameters_of(self.game),
            "game_source": source_hash(self.game),
            "optimizer": name_of(self.optimizer),
            "optimizer_parameters": parameters_of(self.optimizer),
            "optimizer_source": source_hash(self.optimizer),
            "budget": self.settings.identity(),
            "protocol": PROTOCOL,
        }

    @cached_property
    def not_applicable(self) -> str | None:
        """Why the optimizer does not apply to the game, or None.

        Raises:
            InputError: a hyperparameter has not one value a player.
        """
        reason = self.optimizer.applies_to(self.game)
        if reason is None:
            _check_players(self.optimizer, len(self.game.players), name_of(self.game))
        return reason


@dataclass(frozen=True)
class Cell:
    """One run: a pairing and a seed."""

    pairing: Pairing
    seed: int

    @cached_property
    def key(self) -> str:
        """The cell's hash."""
        return digest({**self.pairing.identity, "seed": self.seed})

    @property
    def label(self) -> str:
        """For progress: optimizer on game."""
        return f"{name_of(self.pairing.optimizer)} on {name_of(self.pairing.game)}"


def cross(
    games: Iterable[Game],
    optimizers: Iterable[Optimizer],
    seeds: Sequence[int],
    settings: Settings,
    suite: str | None = None,
    track: str = "defaults",
    ready: bool = True,
) -> list[Cell]:
    """Every game × optimizer × seed, in that order, each cell once however often it is named.

    Without ``ready`` a game need not be one that can be played here: a plan of runs for another machine.

    Raises:
        InputError: nothing to run, a game that cannot be played here, a repeated seed, a hyperparameter that has not one value
            a player.
    """
    games, optimizers = list(games), list(optimizers)
    for name, values in (("games", games), ("optimizers", optimizers), ("seeds", seeds)):
        if not values:
            raise InputError(f"no {name} given")
    if len(set(seeds)) != len(seeds):
        raise InputError("a seed is given twice")
    cells: dict[str, Cell] = {}
    for game in games:
        if ready:
            game.ready()
        budget = settings.budget(game.default_steps)
        for optimizer in optimizers:
            pairing = Pairing(game, optimizer, budget, suite, track)
            _ = pairing.not_applicable  # a wrong number of values is bad input, found before anything runs
            for cell in (Cell(pairing, seed) for seed in seeds):
                cells.setdefault(cell.key, cell)
    return list(cells.values())


def groups(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Cells that step together, in order of first appearance.

    They share the game with its parameters, the settings, and the optimizer up to its numbers. The grouping depends on the given
    cells alone, so a resumed suite forms the groups of the undisturbed one.
    """
    found: dict[Any, list[Cell]] = {}
    for cell in cells:
        pairing = cell.pairing
        shared = digest({k: v for k, v in pairing.identity.items() if not k.startswith("optimizer")})
        alone = cell.key if pairing.settings.alone else None
        found.setdefault((shared, skeleton(pairing.optimizer), pairing.not_applicable, alone), []).append(cell)
    return list(found.values())


def _check_players(part: Any, players: int, game: str) -> None:
    hints = get_type_hints(type(part), include_extras=True)
    for name, hint in hints.items():
        value = getattr(part, name, None)
        if hasattr(value, "__dataclass_fields__"):
            _check_players(value, players, game)
        elif isinstance(value, tuple) and len(value) != players:
            if any(_same(hint, kind) for kind in _PER_PLAYER):
                raise InputError(f"{name} = {list(value)}: {game} has {players} players, so give one value or {players}")
            if hint == parameters.Betas and isinstance(value[0], tuple):
                shown = [list(pair) for pair in value]
                raise InputError(f"{name} = {shown}: {game} has {players} players, so give one pair or {players}")


def _same(hint: Any, kind: Any) -> bool:
    return hint == kind or hint == kind | None
