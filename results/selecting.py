"""Runs by what identifies them: columns of the table `runs`, and parameters of the game or the optimizer.

A name is a column (``game``, ``optimizer``, ``seed``, ``track``, …) or a parameter: ``optimizer.step_size``, ``game.shape``,
``optimizer.rule.adam.betas``.
"""

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.errors import InputError, unknown
from saddlebench.results.summary import Defaults, labels

COLUMNS = (
    *("game", "optimizer", "track", "seed", "status", "suite", "budget", "protocol", "dtype", "device", "machine", "commit"),
    *("context", "threads", "torch_version"),
)
"""Columns by which runs may be told apart."""

NONE = "(none)"
"""The value of a parameter that the run's game or optimizer does not have."""


def names_of(runs: pd.DataFrame, name: str, defaults: Defaults | None = None) -> np.ndarray:
    """The value of ``name`` of each run, as text; games and optimizers with their parameters that are no defaults.

    Raises:
        InputError: an unknown name, or a parameter that no run has.
    """
    kind, dot, _ = name.partition(".")
    if dot and kind in ("game", "optimizer"):
        return _parameter(runs, name)
    if name not in COLUMNS:
        raise unknown("column (or game.PARAMETER, optimizer.PARAMETER)", name, COLUMNS)
    if name in ("game", "optimizer"):
        known = labels(name, runs, defaults or {})
        return np.array([known[key] for key in zip(runs[name], runs[f"{name}_parameters"], strict=True)], dtype=object)
    return runs[name].astype(object).where(runs[name].notna(), NONE).astype(str).to_numpy(dtype=object)


def chosen(runs: pd.DataFrame, filters: Sequence[str], defaults: Defaults | None = None) -> pd.DataFrame:
    """The runs that every filter lets through.

    Args:
        runs: the table `runs`.
        filters: ``name=value``, ``name=value,other`` or ``name!=value``; a value may have ``*`` and ``?``; a number equals its
            other spellings; a game or an optimizer is known by its name, or by its label with parameters.
        defaults: of the catalogues, for labels.

    Raises:
        InputError: a filter is none, names what is unknown, or leaves no run.
    """
    for text in filters:
        name, equals, wanted = text.partition("=")
        but = name.endswith("!")
        name = name.removesuffix("!").strip()
        if not equals or not name or not wanted.strip():
            raise InputError(f"filter {text}: write NAME=VALUE, NAME=VALUE,VALUE or NAME!=VALUE")
        values = names_of(runs, name, defaults)
        own = runs[name].to_numpy(dtype=object) if name in ("game", "optimizer") else values
        patterns = [wanted.strip(), *(part.strip() for part in wanted.split(","))]  # whole first: labels and lists have commas
        every = {key: any(_same(value, p) for value in key for p in patterns) for key in set(zip(values, own, strict=True))}
        if not any(every.values()):
            raise unknown(f"{name} in these results:", wanted, {str(value) for value in own})
        kept: Any = runs[np.array([every[key] != but for key in zip(values, own, strict=True)], dtype=bool)]
        runs = kept
        if not len(runs):
            raise InputError(f"filter {text} leaves no run")
    return runs


def _parameter(runs: pd.DataFrame, name: str) -> np.ndarray:
    kind, *path = name.split(".")
    known: dict[str, str] = {}
    there: set[str] = set()
    for text in dict.fromkeys(runs[f"{kind}_parameters"]):
        value: Any = json.loads(text)
        there |= set(value)
        for key in path:
            value = value[key] if isinstance(value, dict) and key in value else NONE
        known[text] = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    if all(value == NONE for value in known.values()):
        raise unknown(f"parameter of the {kind}s in these results:", name, {f"{kind}.{key}" for key in there})
    return np.array([known[text] for text in runs[f"{kind}_parameters"]], dtype=object)


def _same(value: Any, pattern: str) -> bool:
    if fnmatchcase(str(value), pattern) or str(value) == pattern:  # a list has brackets, which a pattern takes for a set
        return True
    try:
        return float(value) == float(pattern)
    except ValueError:
        return False
