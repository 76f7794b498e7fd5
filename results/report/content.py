"""What the report's page holds, as plain values: games with leaderboards, curves, spectra and samples; failures; machines."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.points import positions
from saddlebench.results.report.board import JUDGES, Row, described, is_context, rows, shown, spent_until
from saddlebench.results.report.curves import curves
from saddlebench.results.report.failed import failures
from saddlebench.results.report.pictures import pictures, told
from saddlebench.results.report.planes import MOST_VALUES, planes
from saddlebench.results.schema import columns, measure_direction
from saddlebench.results.store import Tables
from saddlebench.results.summary import Defaults, label, newest

MOST_GAMES = 200
MOST_ROWS = 2000
"""Rows of all leaderboards together; each game gets its share, from its best row downwards."""
MOST_CURVE_NUMBERS = 300_000
MOST_EIGENVALUES = 30_000
_CONTEXT = ("commit", "dirty", "dtype", "device", "torch_version", "driver", "threads", "machine")


def content(tables: Tables, folder: Path, title: str, defaults: Defaults, written: str, version: str) -> dict[str, Any]:
    """The page's values.

    Args:
        tables: all four tables.
        folder: of the results; their pictures lie there.
        title: of the page.
        defaults: of the catalogues.
        written: when the page is written, in words.
        version: of saddlebench.

    Returns:
        Plain values. ``notes`` say what was left out.
    """
    runs = newest(tables.runs).reset_index(drop=True)
    notes = [*tables.notices]
    if len(runs) < len(tables.runs):
        notes.append(
            f"{len(tables.runs) - len(runs)} older results of the same cells, from other commits or machines, are left out."
        )
    position = positions(runs, tables.trace)
    every = rows(runs, spent_until(runs, tables.trace, position), defaults)
    kept, left_out = _capped(every)
    notes += left_out
    members = [row.runs for row in kept]
    in_turn = _in_turn(kept)  # what there is room for is shared by the games, best rows first
    ordered = [members[k] for k in in_turn]
    lines, allowed = curves(ordered, runs, tables.trace, position, MOST_CURVE_NUMBERS)
    spectra, eigenvalues = planes(ordered, runs, tables.spectrum, MOST_EIGENVALUES)
    samples, counts = pictures(folder, ordered, [kept[k].game for k in in_turn], runs)
    place = {k: turn for turn, k in enumerate(in_turn)}
    if missing := sum(line is None for line in lines):
        notes.append(f"{missing} rows have no curve: they left no trace, or there was no room.")
    if eigenvalues:
        notes.append(
            f"{eigenvalues} eigenvalues are left out: {MOST_VALUES} of the largest modulus are kept at each point of a row."
        )
    notes += [text + "." for text in [told(counts)] if text]
    own: dict[str, list[tuple[Row, Any, Any, Any]]] = {}
    for k, row in enumerate(kept):
        own.setdefault(row.game, []).append((row, lines[place[k]], spectra[place[k]], samples[place[k]]))
    games = [_game(name, together, runs, defaults) for name, together in own.items()]
    codes, pairs = pd.factorize(runs["game"] + "\n" + runs["game_parameters"])
    named = pd.Series(np.array([_named(str(pair), defaults) for pair in pairs], dtype=object)[codes])
    failed, statuses, more = failures(runs, named)
    if more:
        notes.append(f"{more} kinds of failure are left out of the list.")
    return {
        "title": title,
        "written": written,
        "version": version,
        "runs": len(runs),
        "optimizers": runs["optimizer"].nunique(),
        "seeds": runs["seed"].nunique(),
        "statuses": statuses,
        "points": allowed,
        "games": games,
        "failures": failed,
        "machines": _plain(tables.machines.drop_duplicates("machine")),
        "machine_columns": [[c.name, c.meaning] for c in columns("machines")],
        "contexts": _contexts(runs),
        "notes": notes,
    }


def _named(pair: str, defaults: Defaults) -> str:
    name, _, parameters = pair.partition("\n")
    return label("game", name, parameters, defaults)


def _capped(every: Sequence[Row]) -> tuple[list[Row], list[str]]:
    games = list(dict.fromkeys(row.game for row in every))
    kept, notes = set(games[:MOST_GAMES]), []
    if len(games) > MOST_GAMES:
        notes.append(f"{len(games) - MOST_GAMES} of {len(games)} games are left out.")
    share = max(1, MOST_ROWS // max(1, len(kept)))
    seen: Counter[str] = Counter()
    shown = []
    for row in every:
        seen[row.game] += 1
        if row.game in kept and (seen[row.game] <= share or len(every) <= MOST_ROWS):
            shown.append(row)
    hidden = sum(row.game in kept for row in every) - len(shown)
    if hidden:
        notes.append(f"{hidden} rows of leaderboards are left out: the best {share} of each game are kept.")
    return shown, notes


def _in_turn(shown: Sequence[Row]) -> list[int]:
    """Positions of the rows: every game's first, then every game's second, …"""
    seen: Counter[str] = Counter()
    turns = []
    for k, row in enumerate(shown):
        turns.append((seen[row.game], k))
        seen[row.game] += 1
    return [k for _, k in sorted(turns)]


def _game(name: str, members: Sequence[tuple[Row, Any, Any, Any]], runs: pd.DataFrame, defaults: Defaults) -> dict[str, Any]:
    own = [row for row, *_ in members]
    told = {n for row in own for n, value in row.values.items() if not math.isnan(value)}
    lines = [line["measures"] for _, line, *_ in members if line]
    drawn = {m for measures in lines for m, (median, *_) in measures.items() if any(v is not None for v in median)}
    return {
        "name": name,
        "columns": described([n for n in own[0].values if n in told] + sorted(told - set(own[0].values))),
        "measures": [{"name": m, "better": measure_direction(m)} for m in sorted(drawn, key=_place)],
        "judging": _judging(own, runs),
        "rows": [
            {
                **shown(row, runs, defaults),
                "values": {n: v for n, v in row.values.items() if n in told},
                "line": line,
                "spectra": spectra,
                "samples": samples,
            }
            for row, line, spectra, samples in members
        ],
    }


def _place(measure: str) -> tuple[bool, int, bool, str]:
    """What games are judged by first, what has no better direction last, the average's beside the last iterate's."""
    base = measure.removesuffix(" of the average")
    judge = next((k for k, name in enumerate(JUDGES) if base.startswith(name)), len(JUDGES))
    return measure_direction(measure) is None, judge, base != measure, base


def _judging(own: Sequence[Row], runs: pd.DataFrame) -> dict[str, Any]:
    """What must stand beside image measures: extractor, counts, floors and controls, each value that occurs."""
    at = np.concatenate([row.runs for row in own])
    texts = runs["final_measures"].to_numpy(dtype=object)[at]
    beside: dict[str, set[float]] = {}
    for text in texts:
        for name, value in json.loads(text).items() if isinstance(text, str) else ():
            if is_context(name):
                beside.setdefault(name, set()).add(value)
    extractors = sorted({text for text in runs["extractor"].to_numpy(dtype=object)[at] if isinstance(text, str)})
    return {"extractors": extractors, "beside": {name: sorted(values) for name, values in sorted(beside.items())}}


def _contexts(runs: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    grouped: Any = runs.groupby(list(_CONTEXT), sort=False, dropna=False)
    for key, part in grouped:
        row = {name: (value.item() if hasattr(value, "item") else value) for name, value in zip(_CONTEXT, key, strict=True)}
        row = {name: None if value != value else value for name, value in row.items()}
        first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in (part["started_at"].min(), part["started_at"].max()))
        found.append({**row, "runs": len(part), "first": first, "last": last})
    return found


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(str(table.to_json(orient="records")))
