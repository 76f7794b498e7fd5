"""Targets: levels of a measure, and the cost at which a run first reaches each.

`reference/targets.csv` pins them. Games with a distance to equilibrium or a gap have 50 log-spaced levels, 10^(−6k/50) of the
start, k = 1 … 50; a GAN game has for each of its measures the median of pinned baselines (`saddlebench.results.baselines` writes
those rows). A run that never reaches a level is censored: its cost is infinite, never the budget.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.errors import InputError
from saddlebench.results.identity import canonical_json
from saddlebench.results.points import best_so_far, firsts, points
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
    found = []
    for one in reached_targets(runs, trace, defaults, answer):
        rows = one.runs[_RUN].iloc[np.repeat(np.arange(len(one.runs)), one.step.shape[1])].reset_index(drop=True)
        about = {"measure": one.wanted.measure, "direction": one.wanted.direction, "relative": one.wanted.relative}
        levels = np.tile(one.wanted.levels, len(one.runs))
        found.append(rows.assign(**about, level=levels, step=one.step.ravel(), cost=one.cost.ravel()))
    columns = [*_RUN, "measure", "direction", "relative", "level", "step", "cost"]
    table: Any = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)
    return table[columns]


@dataclass(frozen=True)
class Reached:
    """When the runs of one game first reached its levels.

    Attributes:
        runs: rows of the table `runs`.
        wanted: the levels.
        step: shape (runs, levels), infinite where it was never reached.
        cost: likewise, gradients + 2 products.
    """

    runs: pd.DataFrame
    wanted: Targets
    step: np.ndarray
    cost: np.ndarray


def reached_targets(
    runs: pd.DataFrame, trace: pd.DataFrame, defaults: Defaults, answer: str = "last", levels: tuple[float, ...] = ()
) -> Iterator[Reached]:
    """What `time_to_targets` tells, an array a game and measure; of ``levels`` in place of the pinned ones, if there are any."""
    judged: Any = runs[runs["status"] != "not_applicable"]
    every = {measure: points(judged, trace, measure, answer) for measure in judged_by(judged, defaults)}
    for (game, given), at in judged.groupby(["game", "game_parameters"], sort=False).indices.items():
        changed = changed_parameters(game, given, defaults)
        place = np.full(len(judged), -1)
        place[at] = np.arange(len(at))
        criteria = [name for name in _CRITERIA if name in every and (place[every[name]["run"]] >= 0).any()]
        for measure in criteria[:1] or [name for name in pinned_measures(game, changed) if name in every]:
            wanted = targets(game, measure, changed)
            if levels:
                wanted = replace(wanted, levels=levels)
            own = every[measure][place[every[measure]["run"]] >= 0]
            step, cost = _first(own.assign(run=place[own["run"]]), len(at), wanted)
            yield Reached(judged.iloc[at], wanted, step, cost)


def judged_by(runs: pd.DataFrame, defaults: Defaults) -> list[str]:
    """The measures by which the games of these runs may be judged: those of the trace that `reached_targets` reads."""
    found: dict[str, None] = {}
    grouped: Any = runs.groupby(["game", "game_parameters"], sort=False)
    for (game, given), part in grouped:
        criteria = _CRITERIA[:1] if part["start_distance"].notna().any() else _CRITERIA
        own = pinned_measures(game, changed_parameters(game, given, defaults))
        found |= dict.fromkeys([*criteria, *own])
    return list(found)


def first_reached(curves: pd.DataFrame, wanted: Targets) -> pd.DataFrame:
    """The first checkpoint at or beyond each level.

    Args:
        curves: rows of the trace with one measure and answer.
        wanted: the levels; relative ones are multiplied by the value at the run's first checkpoint.

    Returns:
        ``cell``, ``context``, ``level``, ``step`` and ``cost`` = gradients + 2 products, infinite where it is never reached.
    """
    runs: Any = curves[["cell", "context"]].drop_duplicates().reset_index(drop=True)
    whole = curves.assign(measure=wanted.measure, answer="last")
    for name in {"seconds"} - set(curves):
        whole[name] = np.nan
    step, cost = _first(points(runs, whole, wanted.measure), len(runs), wanted)
    rows = runs.iloc[np.repeat(np.arange(len(runs)), len(wanted.levels))].reset_index(drop=True)
    return rows.assign(level=np.tile(wanted.levels, len(runs)), step=step.ravel(), cost=cost.ravel())


def _first(own: pd.DataFrame, runs: int, wanted: Targets) -> tuple[np.ndarray, np.ndarray]:
    """Step and cost, shape (runs, levels), at which points of runs 0 … first reach each level; infinite where they do not."""
    step, cost = (np.full((runs, len(wanted.levels)), np.inf) for _ in range(2))
    if not len(own):
        return step, cost
    sign = 1.0 if wanted.direction == "lower" else -1.0
    start = firsts(own)
    run = own["run"].to_numpy()[start]
    length = np.diff(start, append=len(own))
    best = best_so_far(own, sign)
    scale = np.abs(own["value"].to_numpy()[start]) if wanted.relative else np.ones(len(start))
    for k, level in enumerate(wanted.levels):
        missed = ~(best <= np.repeat(sign * level * scale, length))
        before = np.add.reduceat(missed.astype(np.int64), start)
        got = before < length
        at = (start + before)[got]
        step[run[got], k] = own["step"].to_numpy()[at]
        cost[run[got], k] = own["cost"].to_numpy()[at]
    return step, cost


@lru_cache(maxsize=1)
def _pinned() -> dict[tuple[str, str, str], Targets]:
    found = {}
    grouped: Any = read_targets().groupby(["game", "game_parameters", "measure"], sort=False)
    for key, part in grouped:
        direction, relative = part["direction"].iloc[0], bool(part["relative"].iloc[0])
        levels = tuple(sorted(part["level"].tolist(), reverse=direction == "lower"))
        found[key] = Targets(key[2], direction, levels, relative)
    return found
