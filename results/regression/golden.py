"""The golden table: traces and spectral radii of deterministic float64 cells, committed as `reference/golden.parquet`.

The cells are those of the shipped suite `golden`: every analytic game × every optimizer, a few steps. A row a value:

    cell, game, game_parameters, optimizer, optimizer_parameters, seed, quantity, step, value

``quantity`` is a measure (``distance``, ``gap``, ``average.distance``, …; ``field_norm``), ``gradients`` or ``products`` asked by
that step, or ``spectral_radius`` and ``spectral_radius_transverse`` at the equilibrium (step −1). A value that is another one
beyond rounding (`saddlebench.results.regression.traces`) is a finding by itself: either a fault, or a change to be committed
with `saddlebench compare golden NEW --update-golden`.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.errors import InputError
from saddlebench.results.regression.faults import Fault
from saddlebench.results.regression.traces import TOLERANCE, differs
from saddlebench.results.store import Tables

FILE = Path(__file__).parents[1] / "reference" / "golden.parquet"
SUITE = "golden"
_IDENTITY = ["cell", "game", "game_parameters", "optimizer", "optimizer_parameters", "seed"]
_MEASURES = ("distance", "gap", "field_norm")
_UNPLAYED = ("not_applicable", "error", "timeout")
_RADII = ("spectral_radius", "spectral_radius_transverse")
_KEY = ["cell", "quantity", "step"]


def golden_rows(tables: Tables) -> pd.DataFrame:
    """The golden table of results: of each cell once, of runs in float64 that were played."""
    played = (tables.runs["dtype"] == "float64") & ~tables.runs["status"].isin(list(_UNPLAYED))
    runs: Any = tables.runs[played]
    trace: Any = tables.trace[tables.trace["cell"].isin(list(runs["cell"])) & tables.trace["measure"].isin(list(_MEASURES))]
    prefix = np.where(trace["answer"] == "last", "", trace["answer"].astype(str) + ".")
    points: Any = trace.drop_duplicates(["cell", "step"])
    found = [trace[["cell", "step", "value"]].assign(quantity=prefix + trace["measure"])]
    found += [points[["cell", "step"]].assign(quantity=name, value=points[name]) for name in ("gradients", "products")]
    found += [runs[["cell"]].assign(quantity=name, step=-1, value=runs[name]).dropna(subset=["value"]) for name in _RADII]
    rows: Any = pd.concat(found, ignore_index=True)
    rows = rows.merge(runs[_IDENTITY], on="cell").sort_values(["game", "optimizer", *_KEY], kind="stable")
    return rows[[*_IDENTITY, "quantity", "step", "value"]].reset_index(drop=True)


def read_golden(path: Path = FILE) -> pd.DataFrame:
    """The committed table.

    Raises:
        InputError: there is none.
    """
    if not path.is_file():
        raise InputError(f"there is no golden table {path} (saddlebench run golden, then compare golden NEW --update-golden)")
    return pd.read_parquet(path)


def write_golden(rows: pd.DataFrame, path: Path = FILE) -> None:
    """Write the table, whole or not at all."""
    texts = [name for name in rows.columns if rows[name].dtype.kind not in "if"]
    part = path.with_name(f".{path.name}.part")
    rows.astype(dict.fromkeys(texts, "category")).to_parquet(part, index=False, compression="zstd")
    os.replace(part, path)


def changes(golden: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Values that are others, not there any more, or new.

    Returns:
        ``cell``, ``quantity``, ``step``, ``game``, ``optimizer``, ``value`` (golden), ``value_new`` and ``change``: ``"changed"``,
        ``"missing"`` or ``"new"``.
    """
    columns = [*_KEY, "game", "optimizer", "value"]
    old: Any
    old, now = (table[columns].astype(dict.fromkeys(("cell", "quantity", "game", "optimizer"), "str")) for table in (golden, new))
    old = old.sort_values(_KEY)
    # As in traces: a curve carries the rounding of the largest value that it came from.
    old = old.assign(scale=old["value"].abs().where(np.isfinite(old["value"])).groupby([old["cell"], old["quantity"]]).cummax())
    # A radius is told beside 1: near 0 a defective eigenvalue carries the root of its matrix's rounding.
    old.loc[old["quantity"].isin(list(_RADII)), "scale"] = old["value"].abs().clip(lower=1.0)
    table: Any = old.merge(now, on=_KEY, how="outer", suffixes=("", "_new"), indicator=True)
    for name in ("game", "optimizer"):
        table[name] = table[name].fillna(table[f"{name}_new"])
    before, after = (table[name].to_numpy(dtype=float) for name in ("value", "value_new"))
    other = differs(before, after, table["scale"].fillna(0.0).to_numpy(dtype=float), TOLERANCE["float64"])
    place = table["_merge"].astype(str)
    table["change"] = np.select([place == "left_only", place == "right_only", other], ["missing", "new", "changed"], "")
    return table.loc[table["change"] != "", [*_KEY, "game", "optimizer", "value", "value_new", "change"]].reset_index(drop=True)


def golden_faults(golden: pd.DataFrame, new: Tables, whole: bool) -> list[Fault]:
    """Golden values that changed or are missing, by optimizer and game.

    Args:
        golden: the table.
        new: results, each cell once.
        whole: must all golden cells be there? Otherwise only those that are there are compared.
    """
    asked: Any = golden if whole else golden[golden["cell"].isin(list(new.runs["cell"]))]
    found: Any = changes(asked, golden_rows(new))
    found = found[found["change"] != "new"]
    return [
        Fault("golden", optimizer, game, part["cell"].nunique(), told(part))
        for (optimizer, game), part in found.groupby(["optimizer", "game"], sort=True)
    ]


def told(part: pd.DataFrame) -> str:
    """The first change of some, in words."""
    first: Any = part.sort_values("step", kind="stable").iloc[0]
    where = "" if first["step"] < 0 else f" at step {first['step']:.0f}"
    if first["change"] == "missing":
        return f"{first['quantity']}{where} is not there any more ({first['value']:.10g})"
    if first["change"] == "new":
        return f"{first['quantity']}{where} is new ({first['value_new']:.10g})"
    return f"{first['quantity']}{where}: {first['value']:.10g} → {first['value_new']:.10g}"
