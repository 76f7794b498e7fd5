"""A study: one optimizer tuned on one game. Its trials as cells, their scores, and the cells of the rerun."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from saddlebench.bench.cells import Cell, Pairing, cross, groups
from saddlebench.bench.settings import Settings
from saddlebench.bench.tuning.objective import Objective, Score, scores
from saddlebench.bench.tuning.trials import trials
from saddlebench.games.game import Game
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.optimizers.search import Path, Spec

SUITE = "tuning"
_LOST = ("diverged", "error", "timeout")
_NUMBERS = 2**19  # of all strategies of a program: networks are stepped in parts, so that an interruption loses a part


@dataclass(frozen=True)
class Study:
    """One optimizer on one game.

    Attributes:
        game: the game.
        optimizer: with the values of what is not searched, and the defaults of what is.
        space: what is searched; empty: nothing.
        settings: of every run.
        seeds: of every trial.
        count: how many trials.
    """

    game: Game
    optimizer: Optimizer
    space: dict[Path, Spec]
    settings: Settings
    seeds: Sequence[int]
    count: int

    @property
    def not_applicable(self) -> str | None:
        """Why the optimizer does not apply to the game, or None."""
        return Pairing(self.game, self.optimizer, self.settings).not_applicable

    @cached_property
    def trials(self) -> list[Optimizer]:
        """The optimizer of every trial; none where nothing is searched."""
        return trials(self.optimizer, self.space, self.count) if self.space and self.not_applicable is None else []

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """Of every trial a cell a seed."""
        return [cross([self.game], [trial], self.seeds, self.settings, SUITE) for trial in self.trials]

    def scores(self, objective: Objective, runs: pd.DataFrame, trace: pd.DataFrame) -> list[Score]:
        """Of every trial.

        Args:
            objective: by what.
            runs: of the trials, each cell once.
            trace: likewise.
        """
        keys = [[cell.key for cell in trial] for trial in self.cells]
        lost = set(runs.loc[runs["status"].isin(_LOST), "cell"])
        return scores(objective, trace, keys, lost)

    def rerun(self, winner: Optimizer | None, seeds: Sequence[int]) -> list[Cell]:
        """The cells of the winner, on the track `tuned`, and of the defaults; a winner that is the default is there once, tuned."""
        tuned = [] if winner is None else cross([self.game], [winner], seeds, self.settings, SUITE, "tuned")
        defaults = cross([self.game], [self.optimizer], seeds, self.settings, SUITE)
        return list({cell.key: cell for cell in (*defaults, *tuned)}.values())


def ranked(found: Sequence[Score]) -> list[int]:
    """The numbers of the trials, best first; of equal ones the earlier first."""
    return sorted(range(len(found)), key=lambda k: (*found[k].order, k))


def programs(cells: Iterable[Cell], finished: Collection[tuple[str, str]], context: Any) -> list[list[Cell]]:
    """The cells that are not finished, in groups that step together, large ones in parts.

    A trial that is there is not run again when others are added: a run is the same in whatever company it steps.

    Args:
        cells: all that are wanted.
        finished: keys (cell, context).
        context: from a cell to the key of the context it would be run in.
    """
    wanted = groups(cell for cell in cells if (cell.key, context(cell)) not in finished)
    parts = []
    for group in wanted:
        most = max(1, _NUMBERS // sum(group[0].pairing.game.sizes))
        parts += [group[k : k + most] for k in range(0, len(group), most)]
    return parts
