"""Tables of papers: one measure of many runs, by rows and columns of one's choice, with intervals and what they separate.

An entry is a statistic of the runs that share a row and a column. The best of those that compete is marked only where its interval
lies beyond all others', which fewer than five runs cannot show. Resampling is stratified by game.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from saddlebench.errors import InputError, unknown
from saddlebench.results.measured import TO_TARGET, Measured, measured
from saddlebench.results.schema import Direction
from saddlebench.results.selecting import names_of
from saddlebench.results.statistics import Interval, average_runtime, iqm, median, ranks, stratified_bootstrap, wilson
from saddlebench.results.statistics.intervals import Statistic
from saddlebench.results.summary import Defaults

STATISTICS = ("median", "mean", "iqm", "success", "ert", "rank")
ALL = "all"
"""In place of a name for rows or columns: one, of all runs."""

_FEWEST = 5  # runs of which an interval is told: three resampled have ten means
_RESAMPLES = 1000


def _mean(values: np.ndarray) -> np.ndarray:
    return np.mean(values, axis=-1)


_REDUCE: dict[str, Statistic] = {"median": median, "mean": _mean, "iqm": iqm, "rank": _mean}


@dataclass(frozen=True)
class Entry:
    """One entry: the statistic with its interval (NaN: none is told), of ``n`` runs.

    ``best``: its interval lies beyond those of all its competitors. ``reason``: why there is no number.
    """

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    n: int = 0
    best: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Table:
    """Entries by row and column, in the order in which they are shown; a pair without any run has none."""

    rows: list[str]
    columns: list[str]
    entries: dict[tuple[str, str], Entry]
    row_name: str
    column_name: str
    measure: str
    statistic: str
    better: Direction | None
    notes: list[str] = field(default_factory=list)


def tabulate(
    runs: pd.DataFrame,
    trace: pd.DataFrame | None = None,
    rows: str = "optimizer",
    columns: str = "game",
    measure: str = "",
    statistic: Literal["median", "mean", "iqm", "success", "ert", "rank"] = "median",
    defaults: Defaults | None = None,
    target: float | None = None,
    generator: np.random.Generator | None = None,
) -> Table:
    """A statistic of a measure by two properties of the runs.

    Args:
        runs: the table `runs`, each cell once (`saddlebench.results.summary.newest`).
        trace: the table `trace`; only ``cost_to`` and ``steps_to`` need it.
        rows: what sets rows apart (`saddlebench.results.selecting`), or ``"all"``.
        columns: what sets columns apart, likewise.
        measure: as `saddlebench.results.measured.measured` takes it; by default ``cost_to`` of ``success`` and ``ert``, else
            ``final_distance``.
        statistic: ``median``, ``mean`` and ``iqm`` of the measure; ``success``: the share of runs that reach the target; ``ert``:
            the cost of all runs over their number; ``rank``: the mean rank among those that compete on the same game and seed.
        defaults: of the catalogues, for labels and targets.
        target: the level of ``cost_to`` and ``steps_to``; by default the hardest pinned one of each game.
        generator: of the bootstrap; by default seeded with 0.

    Raises:
        InputError: names or measures that these runs do not have; a statistic that does not go with the measure; ranks of
            competitors with several runs of one game and seed.
    """
    if statistic not in STATISTICS:
        raise unknown("statistic", statistic, STATISTICS)
    measure = measure or ("cost_to" if statistic in ("success", "ert") else "final_distance")
    if statistic in ("success", "ert") and measure not in TO_TARGET:
        raise InputError(f"{statistic} is about reaching a target: of cost_to or steps_to, not of {measure}")
    found = measured(runs, measure, trace, defaults, target)
    labels = [np.full(len(runs), ALL, dtype=object) if name == ALL else names_of(runs, name, defaults) for name in (rows, columns)]
    across = columns.startswith("optimizer") and not rows.startswith("optimizer")
    frame = pd.DataFrame({"row": labels[0], "column": labels[1], "value": found.values})
    frame["game"] = pd.factorize(runs["game"] + runs["game_parameters"])[0]
    frame["spent"] = np.nan if found.spent is None else found.spent
    frame["reason"] = _reasons(runs, measure)
    if statistic == "rank":
        frame["value"] = _ranked(frame.assign(seed=runs["seed"].to_numpy()), found, "column" if across else "row")
    better: Direction | None = {"success": "higher", "ert": "lower", "rank": "lower"}.get(statistic, found.better)  # type: ignore[assignment]
    random = np.random.default_rng(0) if generator is None else generator
    grouped: Any = frame.groupby(["row", "column"], sort=False)
    entries = {key: _entry(part, statistic, better, random) for key, part in grouped}
    notes = _notes(entries, runs, measure, target)
    down, along = (list(dict.fromkeys(frame[axis])) for axis in ("row", "column"))
    shown = Table(down, along, entries, rows, columns, measure, statistic, better, notes)
    return replace(shown, entries=_marked(shown, across))


def _entry(part: pd.DataFrame, statistic: str, better: Direction | None, random: np.random.Generator) -> Entry:
    has = part["value"].notna().to_numpy()
    n = int(has.sum())
    if not n:
        told = [reason for reason in part["reason"] if reason]
        return Entry(reason=told[0] if told else "no number")
    values, game = part["value"].to_numpy()[has], part["game"].to_numpy()[has]
    if statistic == "success":
        return Entry(*wilson(int(np.isfinite(values).sum()), n), n)
    reduce, numbers, sign = _REDUCE.get(statistic, median), values, 1.0
    if statistic == "ert":
        numbers = np.stack([part["spent"].to_numpy()[has], np.isfinite(values)])
        reduce = _average_runtime
    elif better == "higher":
        sign = -1.0  # a censored run is −∞: bad is large for the statistics
        numbers = -values
    interval = Interval(float(reduce(numbers)), np.nan, np.nan)
    if n >= _FEWEST:
        strata = [numbers[..., game == one] for one in np.unique(game)]
        same = all((s == s[..., :1]).all() for s in strata)  # as of deterministic games: nothing to draw
        value = interval.estimate
        interval = Interval(value, value, value) if same else stratified_bootstrap(strata, reduce, random, _RESAMPLES)
    value, *ends = (sign * number + 0.0 for number in interval)
    return Entry(value, min(ends), max(ends), n) if n >= _FEWEST else Entry(value, n=n)


def _average_runtime(numbers: np.ndarray) -> np.ndarray:
    return average_runtime(numbers[..., 0, :], numbers[..., 1, :])


def _ranked(frame: pd.DataFrame, found: Measured, competing: str) -> np.ndarray:
    """The rank of each run among those of the same game, seed and line of the table."""
    line = "column" if competing == "row" else "row"
    sign = -1.0 if found.better == "higher" else 1.0
    keys = [line, "game", "seed"]
    twice = frame.duplicated([*keys, competing])
    if twice.any():
        which = frame.loc[twice, competing].iloc[0]
        raise InputError(f"ranks compare one run each on a game and seed: {which} has several (choose with --filter or --rows)")
    if found.better is None:
        raise InputError(f"{found.name} has no better direction to rank by")
    wide = frame.assign(value=sign * frame["value"]).pivot(index=keys, columns=competing, values="value")
    ranked: Any = pd.DataFrame(ranks(wide.to_numpy()), index=wide.index, columns=wide.columns).stack()
    ranked.name = "rank"
    return frame.join(ranked, on=[*keys, competing])["rank"].to_numpy()


def _marked(table: Table, across: bool) -> dict[tuple[str, str], Entry]:
    """The entries, of which the best of each line is marked where its interval is beyond the others'."""
    if table.better is None:
        return table.entries
    marked = dict(table.entries)
    sign = 1.0 if table.better == "lower" else -1.0
    for line in table.rows if across else table.columns:
        keys = [(line, c) for c in table.columns] if across else [(r, line) for r in table.rows]
        there = [key for key in keys if key in marked and marked[key].n]
        if len(there) < 2:
            continue
        best, *others = sorted(there, key=lambda key: sign * marked[key].value)
        worst_end = max(sign * marked[best].low, sign * marked[best].high)
        if all(worst_end < min(sign * marked[key].low, sign * marked[key].high) for key in others):  # NaN separates nothing
            marked[best] = replace(marked[best], best=True)
    return marked


def _reasons(runs: pd.DataFrame, measure: str) -> np.ndarray:
    refused = (runs["status"] == "not_applicable").to_numpy()
    spectral = "radius" in measure
    why = runs["reason"].where(refused, runs["spectrum_reason"] if spectral else None)
    return why.fillna("").to_numpy(dtype=object)


def _notes(entries: dict[tuple[str, str], Entry], runs: pd.DataFrame, measure: str, target: float | None) -> list[str]:
    notes = []
    if measure in TO_TARGET:
        level = "the hardest pinned level of each game" if target is None else f"{target:g}"
        notes.append(f"target: {level}; ∞: not reached")
    elif any(np.isinf(entry.value) for entry in entries.values()):
        notes.append("∞: the run diverged, failed or timed out")
    if any(0 < entry.n < _FEWEST for entry in entries.values()):
        notes.append(f"of fewer than {_FEWEST} runs no interval is told and no best one marked")
    budgets: Any = runs.groupby(["game", "game_parameters"])["budget"].nunique()
    if (budgets > 1).any():
        notes.append("runs of different budgets are pooled: choose one with --filter budget=… or --columns budget")
    return notes
