"""The summary over seeds: a row per game and optimizer, each with its parameters, under one budget."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.identity import digest
from saddlebench.results.schema import STATUSES, measure_direction

Defaults = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""kind ("game", "optimizer", "rule") → name → parameter → default: what labels leave out."""

_PAIRING = ["game", "game_parameters", "optimizer", "optimizer_parameters"]
_VARIANTS = ["budget", "dtype", "track", "protocol", "game_source", "optimizer_source"]
_LONGEST_VALUE = 24
_TOLD = ("converged", "error", "timeout", "not_applicable")  # statuses whose reason is told
_MEDIANS = {
    "rate": "measured_rate",
    "radius": "spectral_radius_transverse",
    "raw_radius": "spectral_radius",
    "predicted": "predicted_radius",
    "cost": "cost",
    "seconds": "seconds",
    "steps": "steps",
}
_NUMBERS = (*_MEDIANS.values(), "start_distance", "final_distance", "final_gap")
_TEXTS = (*_PAIRING, *_VARIANTS, "status", "reason", "spectrum_reason", "final_measures")
Columns = dict[str, np.ndarray]

SHOWN = ("game", "optimizer", "n", "status", "steps", "distance", "gap")
"""Columns that come first; then the game's own measures, then `AFTER`."""
AFTER = ("rate", "radius", "predicted", "cost", "seconds")


def newest(runs: pd.DataFrame) -> pd.DataFrame:
    """Each cell once: the newest of its contexts."""
    return runs.sort_values("started_at", kind="stable").drop_duplicates("cell", keep="last").sort_index()


def grouping(runs: pd.DataFrame) -> np.ndarray:
    """``(runs,)``: the number of the row of `summarise` that sums up each run."""
    group: Any = runs.groupby([*_PAIRING, *_VARIANTS], sort=False, dropna=False).ngroup()
    return group.to_numpy()


def summarise(runs: pd.DataFrame, defaults: Defaults | None = None) -> pd.DataFrame:
    """Runs of every game, its parameters, optimizer, its hyperparameters and budget as one row; seeds are what it sums up.

    Args:
        runs: the table `runs`, each cell once (`newest`).
        defaults: parameters that labels need not name; of names unknown here a label names what varies within the table.

    Returns:
        ``game`` and ``optimizer`` with the parameters that are no defaults, ``n`` runs, ``status`` with counts, medians of
        ``steps``, ``distance`` and ``gap`` to the equilibrium at the end (a diverged run counts as infinitely far), of the game's
        own final measures that have a better direction, of ``rate``, ``radius`` (without null directions), ``raw_radius``,
        ``predicted``, ``cost`` and ``seconds`` (of runs that ran alone); ``reason`` of errors and of what does not apply,
        ``spectrum_reason``. What else sets rows apart (``budget``, ``dtype``, sources) has a column where it differs within one
        game and optimizer, and ``track``, after the optimizer, where there are tuned ones and defaults.
    """
    named = {kind: labels(kind, runs, defaults or {}) for kind in ("game", "optimizer")}
    table = runs.assign(
        game=[named["game"][key] for key in zip(runs["game"], runs["game_parameters"], strict=True)],
        optimizer=[named["optimizer"][key] for key in zip(runs["optimizer"], runs["optimizer_parameters"], strict=True)],
    )
    variants = _distinguishing(table)
    # Plain arrays from here on: a pandas operation a group and column would take longer than reading the results.
    columns = {name: _array(table[name], name in _NUMBERS) for name in (*_NUMBERS, *_TEXTS)}
    group = grouping(table)
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1]) if len(table) else []
    rows = [_row({name: values[at] for name, values in columns.items()}, variants) for at in members]
    frame = pd.DataFrame(rows)
    measures = [c for c in frame.columns if c not in (*SHOWN, *AFTER, *variants, "raw_radius", "reason", "spectrum_reason")]
    order = [*SHOWN, *sorted(measures), *AFTER, "raw_radius", *variants, "reason", "spectrum_reason"]
    if "track" in variants:  # how the hyperparameters were found belongs beside them
        order.remove("track")
        order.insert(order.index("optimizer") + 1, "track")
    return frame.reindex(columns=order)


def shown_columns(summary: pd.DataFrame) -> list[str]:
    """The columns of a summary that say something, for printing: empty ones and mere detail are left out."""
    hidden = {"raw_radius", "reason", "spectrum_reason"}
    return [c for c in summary.columns if c not in hidden and (c in SHOWN[:4] or not summary[c].isna().to_numpy().all())]


def label(kind: str, name: str, parameters: str, defaults: Defaults) -> str:
    """A game or an optimizer with its parameters (JSON) that are no defaults: ``extragradient(step_size=0.05)``."""
    values = json.loads(parameters)
    return _label(name, values, defaults.get(kind, {}).get(name, {}), defaults)


def labels(kind: str, runs: Any, defaults: Defaults) -> dict[tuple[str, str], str]:
    """(name, parameters as JSON) → the name with the parameters that are no defaults, of names unknown with those that vary."""
    pairs = runs[[kind, f"{kind}_parameters"]].drop_duplicates()
    tables = {(name, text): json.loads(text) for name, text in pairs.itertuples(index=False)}
    known = {name: dict(values) for name, values in defaults.get(kind, {}).items()}
    for name in {name for name, _ in tables} - set(known):
        known[name] = _shared([values for (other, _), values in tables.items() if other == name])
    return {key: _label(key[0], values, known[key[0]], defaults) for key, values in tables.items()}


def _row(part: Columns, variants: list[str]) -> dict[str, Any]:
    statuses = Counter(part["status"])
    applied = {name: values[part["status"] != "not_applicable"] for name, values in part.items()}
    row: dict[str, Any] = {
        "game": part["game"][0],
        "optimizer": part["optimizer"][0],
        "n": len(part["status"]),
        "status": ", ".join(f"{status} {statuses[status]}" for status in STATUSES if status in statuses),
    }
    row |= {name: part[name][0] for name in variants}
    row |= {name: _median(applied[column]) for name, column in _MEDIANS.items()}
    row |= {name: _median(_censored(applied, f"final_{name}")) for name in ("distance", "gap")}
    row |= _measures(applied["final_measures"])
    row["reason"] = _joined(part["reason"][np.isin(part["status"].astype(str), _TOLD)])
    row["spectrum_reason"] = _joined(applied["spectrum_reason"])
    return row


def _joined(reasons: np.ndarray) -> str | None:
    return "; ".join(dict.fromkeys(reason for reason in reasons if isinstance(reason, str))) or None


def _array(values: Any, number: bool) -> np.ndarray:
    return values.astype(float).to_numpy() if number else values.to_numpy(dtype=object)


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _censored(part: Columns, column: str) -> np.ndarray:
    """A column in which a run that diverged to no number is infinitely far, where the game has that measure at all."""
    values = part[column]
    if np.isnan(part["start_distance"] if column == "final_distance" else values).all():
        return values
    return np.where(np.isnan(values) & (part["status"] == "diverged"), np.inf, values)


def _measures(texts: np.ndarray) -> dict[str, float]:
    """Medians of the final measures of the game's own that have a better direction."""
    found: dict[str, list[float]] = {}
    for text in texts:
        for name, value in json.loads(text).items() if isinstance(text, str) else ():
            if measure_direction(name) is not None:
                found.setdefault(name, []).append(value)
    return {name: float(np.median(values)) for name, values in found.items()}


def _distinguishing(table: Any) -> list[str]:
    """Those of `_VARIANTS` that differ between rows of one game and optimizer; the track wherever there are both."""
    grouped: Any = table.groupby(_PAIRING, sort=False)[_VARIANTS].nunique(dropna=False)
    found = [name for name in _VARIANTS if (grouped[name] > 1).any() and name != "track"]
    return ["track", *found] if table["track"].nunique() > 1 else found


def _shared(tables: list[dict[str, Any]]) -> dict[str, Any]:
    """The parameters that all tables hold alike."""
    first, *others = tables
    return {name: value for name, value in first.items() if all(name in t and t[name] == value for t in others)}


def _label(name: str, values: Mapping[str, Any], own: Mapping[str, Any], defaults: Defaults) -> str:
    """``extragradient(step_size=0.05)``."""
    parts = [f"{key}={_value_label(v, defaults)}" for key, v in values.items() if key not in own or own[key] != v]
    return f"{name}({', '.join(parts)})" if parts else name


def _value_label(value: Any, defaults: Defaults) -> str:
    if isinstance(value, dict) and len(value) == 1:  # a part: a rule, a wrapped optimizer
        (name, inner), *_ = value.items()
        if isinstance(inner, dict):
            own = next((defaults[kind][name] for kind in ("rule", "optimizer") if name in defaults.get(kind, {})), {})
            return _label(name, inner, own, defaults)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text) <= _LONGEST_VALUE:
        return text.strip('"')
    sizes = []
    inner = value
    while isinstance(inner, list) and inner:
        sizes.append(str(len(inner)))
        inner = inner[0]
    return f"[{'×'.join(sizes)} #{digest(value)[:4]}]" if sizes else f"#{digest(value)[:4]}"  # digests tell long values apart
