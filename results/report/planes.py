"""Spectra of the report: the eigenvalues of every row's runs, each once."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

MOST_VALUES = 200
"""Eigenvalues of one operator at one point of a row that are shown, largest moduli first."""
_DIGITS = 6  # of an eigenvalue: seeds of a game without chance differ by rounding alone


def planes(
    members: Sequence[np.ndarray], runs: pd.DataFrame, spectrum: pd.DataFrame, most_numbers: int
) -> tuple[list[list[dict[str, Any]]], int]:
    """The spectra of each group of runs.

    Args:
        members: positions in ``runs`` of each group.
        runs: the table `runs`.
        spectrum: the table `spectrum`.
        most_numbers: how many eigenvalues there may be in all; the last groups have none when they are spent.

    Returns:
        For each group a list of ``{"operator", "point", "values"}``, a value being ``[re, im, null, mass]``: null is 1 for a null
        direction that the game declares, mass the share of each player; and how many distinct eigenvalues were left out.
    """
    group = np.full(len(runs), -1)
    for number, at in enumerate(members):
        group[at] = number
    # Where null directions are left out their eigenvalues stand a second time, with no mass.
    given = spectrum[spectrum["mass"] != "[]"]
    keys = runs[["cell", "context"]].assign(group=group)
    values: Any = given.merge(keys[group >= 0], on=["cell", "context"])
    found: list[list[dict[str, Any]]] = [[] for _ in members]
    if values.empty:
        return found, 0
    # Adding zero makes -0.0 the 0.0 that it equals.
    rounded = {name: np.array([float(f"{v:.{_DIGITS}g}") for v in values[name]]) + 0.0 for name in ("re", "im")}
    place = ["group", "operator", "point"]
    values = values.assign(**rounded).sort_values([*place, "modulus"], ascending=[True, True, True, False], kind="stable")
    values = values.drop_duplicates([*place, "re", "im"])
    shown = values[values.groupby(place, sort=False).cumcount() < MOST_VALUES].head(most_numbers)
    for (number, operator, point), part in shown.groupby(place, sort=False):
        rows = zip(part["re"], part["im"], part["transverse"], part["mass"], strict=True)
        listed = [[re, im, int(not transverse), [round(m, 3) for m in json.loads(mass)]] for re, im, transverse, mass in rows]
        found[number].append({"operator": operator, "point": point, "values": listed})
    return found, len(values) - len(shown)
