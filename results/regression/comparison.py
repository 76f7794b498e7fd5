"""The comparison of two sets of results: faults, tests of what moved, and what could not be compared."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.errors import InputError
from saddlebench.results.regression.costs import log_cost_ratios, successes
from saddlebench.results.regression.faults import Fault, faults
from saddlebench.results.regression.golden import golden_faults
from saddlebench.results.regression.pools import LEVEL, Pool, adjust, lost, worse
from saddlebench.results.regression.times import TIME_MARGIN, log_times, margin, shared, steady
from saddlebench.results.regression.traces import moved
from saddlebench.results.store import Tables
from saddlebench.results.summary import Defaults, newest

_PAIRING = ["optimizer", "optimizer_parameters", "game", "game_parameters", "budget"]
_SAME_PLACE = ("machine", "device", "torch_version", "threads")


@dataclass(frozen=True)
class Comparison:
    """What came of it.

    Attributes:
        faults: findings by themselves.
        pools: all tests, with adjusted p; those with `findings` are alarms.
        joined: cells in both.
        moved: cells of those whose records differ.
        notes: what could not be compared, and what else to know.
    """

    faults: list[Fault]
    pools: list[Pool]
    joined: int
    moved: int
    notes: tuple[str, ...] = ()

    @property
    def worse(self) -> list[Pool]:
        """The pools that became worse."""
        return [pool for pool in self.pools if pool.adjusted <= LEVEL]

    @property
    def regressed(self) -> bool:
        """Is there any finding?"""
        return bool(self.faults or self.worse)


def compare(
    baseline: Tables, new: Tables, families: Mapping[str, str], defaults: Defaults, golden: pd.DataFrame | None = None
) -> Comparison:
    """Compare results with earlier ones of the same cells.

    Args:
        baseline: what is compared with; of several contexts of a cell the newest counts.
        new: likewise.
        families: game → family; a game unknown here is a family of its own.
        defaults: of the catalogues.
        golden: the golden table, with which cells of ``new`` that it names are compared too.

    Raises:
        InputError: no cell is in both.
    """
    old, now = one_of_each(baseline), one_of_each(new)
    both: Any = set(old.runs["cell"]) & set(now.runs["cell"])
    if not both:
        raise InputError("no cell is in both: they are results of other games, optimizers, parameters, seeds or budgets")
    moves = moved(old, now)
    shifted = _part(old, moves.index), _part(now, moves.index)
    identity: Any = now.runs.set_index("cell")[["optimizer", "game"]]
    identity["family"] = identity["game"].map(lambda game: families.get(game, game))
    identity["pairing"] = now.runs.groupby(_PAIRING, sort=False).ngroup().to_numpy()
    times, notes = _times(old, now, identity)
    costs = log_cost_ratios(*shifted, defaults) if len(moves) else pd.Series(dtype=float)
    tested = [worse("cost", *key, values) for key, values in _by_pool(costs, identity)]
    timed = list(_by_pool(times, identity))
    tolerated = margin([float(np.median(values)) for _, values in timed])
    tested += [worse("time", *key, values, tolerated) for key, values in timed]
    if tolerated > TIME_MARGIN:
        notes.append(f"times: up to {tolerated:.2f} times as long is tolerated, as pools of these two differ by that much")
    tested += _successes(*shifted, identity, defaults) if len(moves) else []
    found = faults(old, now, moves)
    if golden is not None:
        found += golden_faults(golden, now, whole=False)
    added = len(set(now.runs["cell"]) - set(old.runs["cell"]))
    notes += [f"{added} cells are only in the new results"] if added else []
    return Comparison(found, adjust(tested), len(both), len(moves), tuple(notes))


def one_of_each(tables: Tables, chosen: Callable[[pd.DataFrame], Any] | None = None) -> Tables:
    """Each cell once, the newest of those contexts for which ``chosen(runs)`` holds (None: of all)."""
    asked: Any = tables.runs if chosen is None else tables.runs[chosen(tables.runs)]
    runs: Any = newest(asked)
    keys = pd.MultiIndex.from_frame(runs[["cell", "context"]])

    def within(frame: Any) -> pd.DataFrame:
        if len(runs) == len(tables.runs):  # nothing is superseded
            return frame
        return frame.loc[pd.MultiIndex.from_frame(frame[["cell", "context"]]).isin(keys)]

    return Tables(runs, within(tables.trace), within(tables.spectrum), tables.machines, tables.notices)


def of_commit(tables: Tables, commit: str) -> Tables:
    """The results of one commit (its first characters), each cell once.

    Raises:
        InputError: there are none, or the characters stand for several commits.
    """
    known = sorted({str(name) for name in tables.runs["commit"] if str(name).startswith(commit)})
    if len(known) != 1:
        all_known = ", ".join(sorted({str(name)[:12] for name in tables.runs["commit"]}))
        raise InputError(f"commit {commit!r} is {'not there' if not known else 'ambiguous'}: the results are of {all_known}")
    return one_of_each(tables, lambda runs: runs["commit"] == known[0])


def _part(tables: Tables, cells: Any) -> Tables:
    runs: Any = tables.runs[tables.runs["cell"].isin(cells)]
    trace: Any = tables.trace[tables.trace["cell"].isin(cells)]
    return Tables(runs, trace, tables.spectrum.iloc[:0], tables.machines)


def _times(old: Tables, now: Tables, identity: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """log(new / baseline) of the time a step of cells stepped alone in the same place, and what to note."""
    logs, yardsticks = log_times([old, now])
    where, now_where = (tables.runs.set_index("cell")[list(_SAME_PLACE)] for tables in (old, now))
    places: Any = where.merge(now_where, left_index=True, right_index=True, suffixes=("", "_new"))
    same = np.logical_and.reduce([places[name] == places[f"{name}_new"] for name in _SAME_PLACE])
    kept = logs.index.intersection(places.index[same])
    if not len(kept):
        reason = f"the two ran in other places ({', '.join(_SAME_PLACE)})" if len(logs) else "no run of both ran alone (--timing)"
        return pd.Series(dtype=float), [f"times are not compared: {reason}"]
    table: Any = identity.loc[kept].assign(old=logs.loc[kept, 0], new=logs.loc[kept, 1])
    ratios: Any = table["new"] - table["old"]
    factor = shared(ratios.to_numpy(dtype=float), yardsticks)
    unsteady = [
        part.index
        for _, part in table.groupby(["optimizer", "family"], sort=True)
        if not all(steady(part[name].to_numpy(dtype=float), part["pairing"].to_numpy()) for name in ("old", "new"))
    ]
    unit = ", in yardsticks" if yardsticks else ""
    notes = [f"times{unit}: all {len(kept)} timed cells together took {np.exp(ratios.median()):.2f} times as long"]
    notes[0] += f"; ratios are without {np.exp(factor):.2f}"
    if unsteady:
        notes.append(f"times of {len(unsteady)} pools are not compared: the machine was too busy to time them to 20 %")
    return (ratios - factor).drop([cell for cells in unsteady for cell in cells]), notes


def _by_pool(values: pd.Series, identity: pd.DataFrame) -> Iterable[tuple[tuple[str, str], np.ndarray]]:
    table = identity.join(values.rename("value"), how="inner").dropna(subset=["value"])
    grouped: Any = table.groupby(["optimizer", "family"], sort=True)
    for (optimizer, family), part in grouped:
        yield (str(optimizer), str(family)), part["value"].to_numpy(dtype=float)


def _successes(old: Tables, now: Tables, identity: pd.DataFrame, defaults: Defaults) -> list[Pool]:
    table = pd.concat({"old": successes(old, defaults), "new": successes(now, defaults)}, axis=1, join="inner").join(identity)
    grouped: Any = table[table["old"] != table["new"]].groupby(["optimizer", "family"], sort=True).groups
    pools: Any = table.groupby(["optimizer", "family"], sort=True)
    return [
        lost(optimizer, family, part["old"].tolist(), part["new"].tolist())
        for (optimizer, family), part in pools
        if (optimizer, family) in grouped
    ]
