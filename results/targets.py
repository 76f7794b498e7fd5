"""Targets: levels of a measure, and the cost at which a run first reaches each.

`reference/targets.csv` pins them. Games with a distance to equilibrium or a gap have 50 log-spaced levels, 10^(−6k/50) of the
start, k = 1 … 50; a GAN game has for each of its measures the median of pinned baselines (`saddlebench.results.baselines` writes
those rows). A run that never reaches a level is censored: its cost is infinite, never the budget.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.errors import InputError
from saddlebench.results.identity import canonical_json
from saddlebench.results.schema import Direction
from saddlebench.results.summary import Defaults

FILE = Path(__file__).parent / "reference" / "targets.csv"
COLUMNS = ("game", "game_parameters", "measure", "direction", "relative", "level", "source", "commit", "command")
"""``game_parameters`` is `ANY`, or the parameters that are no defaults as JSON."""
ANY = "*"
_CRITERIA = ("distance", "gap")  # a run is judged by the first that its game has, as its verdict is
_RUN = ["cell", "context", "game", "game_parameters", "optimizer", "optimizer_parameters", "track", "seed"]


@dataclass(frozen=True)
class Targets:
    """Levels of one measure of one game.

    Attributes:
        measure: the measure.
        direction: which way it improves.
        levels: from the easiest to the hardest.
        relative: are they fractions of the run's own start?
    """

    measure: str
    direction: Direction
    levels: tuple[float, ...]
    relative: bool


def read_targets(path: Path = FILE) -> pd.DataFrame:
    """The pinned levels, a row each.

    Raises:
        ValueError: a column is missing or unknown, a direction is none, a level is no number or stands twice.
    """
    table = pd.read_csv(path, dtype={name: str for name in COLUMNS if name not in ("relative", "level")}, keep_default_na=False)
    if tuple(table.columns) != COLUMNS:
        raise ValueError(f"{path.name}: columns {', '.join(table.columns)} in place of {', '.join(COLUMNS)}")
    if not set(table["direction"]) <= {"lower", "higher"} or table["relative"].dtype != bool or table["level"].dtype != float:
        raise ValueError(f"{path.name}: a direction is lower or higher, relative True or False, a level a number")
    if not np.isfinite(table["level"]).all() or table.duplicated(["game", "game_parameters", "measure", "level"]).any():
        raise ValueError(f"{path.name}: a level is not finite, or stands twice")
    return table


def targets(game: str, measure: str, changed: Mapping[str, Any] | None = None) -> Targets:
    """The pinned levels of a game's measure: those of its parameters, or else of the game, or else of every game.

    Args:
        game: name in its catalogue.
        measure: as in the trace.
        changed: the game's parameters that are no defaults.

    Raises:
        InputError: none are pinned.
    """
    known = _pinned()
    for key in ((game, canonical_json(changed or {}), measure), (game, ANY, measure), (ANY, ANY, measure)):
        if key in known:
            return known[key]
    raise InputError(f"no targets are pinned for {measure} of {game} with these parameters (saddlebench targets)")


def pinned_measures(game: str, changed: Mapping[str, Any] | None = None) -> list[str]:
    """The measures for which the game with these parameters has levels of its own."""
    return [measure for name, own, measure in _pinned() if name == game and own in (ANY, canonical_json(changed or {}))]


def changed_parameters(game: str, game_parameters: str, defaults: Defaults) -> dict[str, Any]:
    """The parameters (JSON, as in the table `runs`) that are no defaults."""
    own = defaults.get("game", {}).get(game, {})
    return {name: value for name, value in json.loads(game_parameters).items() if name not in own or own[name] != value}


def time_to_targets(runs: pd.DataFrame, trace: pd.DataFrame, defaults: Defaults, answer: str = "last") -> pd.DataFrame:
    """The cost at which each run first reaches each level of its game's targets.

    A game is judged by the distance, or else by the gap, or else by every measure with levels of its own; games with none of them
    are left out. Reached means: at a checkpoint, so the cost is exact to the spacing of the checkpoints.

    Args:
        runs: the table `runs`, each cell once; what does not apply is left out, errors and timeouts reach what they reached.
        trace: the table `trace`.
        defaults: of the catalogues (`saddlebench.bench.cli.defaults.catalogue_defaults`): a setting is known by what it changes.
        answer: which answer is judged.

    Returns:
        A row a run, measure and level: identity of the run, ``measure``, ``direction``, ``relative``, ``level``, ``step`` and
        ``cost`` (both infinite where it was not reached).
    """
    judged: Any = runs[runs["status"] != "not_applicable"]
    points: Any = trace[trace["answer"] == answer]
    measured = points.merge(judged[["cell", "context", "game", "game_parameters"]], on=["cell", "context"])
    found = []
    for (game, given), part in judged.groupby(["game", "game_parameters"], sort=False):
        own = measured[(measured["game"] == game) & (measured["game_parameters"] == given)]
        there = set(own["measure"])
        criterion = next((name for name in _CRITERIA if name in there), None)
        changed = changed_parameters(game, given, defaults)
        for measure in [criterion] if criterion else pinned_measures(game, changed):
            wanted = targets(game, measure, changed)
            reached = first_reached(own[own["measure"] == measure], wanted)
            rows = part[_RUN].merge(pd.DataFrame({"level": wanted.levels}), how="cross")
            rows = rows.merge(reached, on=["cell", "context", "level"], how="left")
            found.append(rows.assign(measure=measure, direction=wanted.direction, relative=wanted.relative))
    columns = [*_RUN, "measure", "direction", "relative", "level", "step", "cost"]
    table: Any = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)
    return table[columns].fillna({"step": np.inf, "cost": np.inf})  # no checkpoint at all: an error before the first step


def first_reached(curves: pd.DataFrame, wanted: Targets) -> pd.DataFrame:
    """The first checkpoint at or beyond each level.

    Args:
        curves: rows of the trace with one measure and answer.
        wanted: the levels; relative ones are multiplied by the value at the run's first checkpoint.

    Returns:
        ``cell``, ``context``, ``level``, ``step`` and ``cost`` = gradients + 2 products, infinite where it is never reached.
    """
    sign = 1.0 if wanted.direction == "lower" else -1.0
    levels = np.array(wanted.levels)
    found: list[dict[str, Any]] = []
    grouped: Any = curves.sort_values("step", kind="stable").groupby(["cell", "context"], sort=False)
    for (cell, context), part in grouped:
        values = sign * part["value"].to_numpy(dtype=float)
        best = np.minimum.accumulate(np.where(np.isnan(values), np.inf, values))
        asked = sign * levels * (abs(values[0]) if wanted.relative else 1.0)
        at = np.searchsorted(-best, -asked)  # −best never falls
        step = np.append(part["step"].to_numpy(dtype=float), np.inf)[at]
        cost = np.append((part["gradients"] + 2 * part["products"]).to_numpy(dtype=float), np.inf)[at]
        found.append({"cell": cell, "context": context, "level": levels, "step": step, "cost": cost})
    return _stacked(found)


def _stacked(parts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    names = ("cell", "context", "level", "step", "cost")
    if not parts:
        return pd.DataFrame({name: np.array([], dtype=object if name in names[:2] else float) for name in names})
    return pd.concat([pd.DataFrame(dict(part)) for part in parts], ignore_index=True)


@lru_cache(maxsize=1)
def _pinned() -> dict[tuple[str, str, str], Targets]:
    found = {}
    grouped: Any = read_targets().groupby(["game", "game_parameters", "measure"], sort=False)
    for key, part in grouped:
        direction, relative = part["direction"].iloc[0], bool(part["relative"].iloc[0])
        levels = tuple(sorted(part["level"].tolist(), reverse=direction == "lower"))
        found[key] = Targets(key[2], direction, levels, relative)
    return found
