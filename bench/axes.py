"""Grids of hyperparameters: from an optimizer and the values of one or two of its parameters to an optimizer a grid point.

A parameter is named as ``--set optimizer.NAME`` names it, from the outside in: ``step_size``; ``rule.momentum``, or
``rule.momentum.momentum`` with the part's own name between; ``base.step_size``; ``betas.0``, the first number of a list.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from saddlebench.bench.build import KINDS, construct, name_of
from saddlebench.errors import InputError, unknown
from saddlebench.optimizers.optimizer import Optimizer

MOST_POINTS = 10**6  # an optimizer a grid point: some 2 GB


@dataclasses.dataclass(frozen=True)
class Axis:
    """One parameter and its values on the grid, rising."""

    name: str
    values: tuple[float, ...]

    @classmethod
    def of(cls, which: str, given: Mapping[str, Any]) -> "Axis":
        """An axis from ``{"step_size": [0.1, 0.2]}``.

        Raises:
            InputError: not one parameter with rising numbers.
        """
        if not isinstance(given, Mapping) or len(given) != 1:
            raise InputError(f'{which} is one parameter with its values, {{"step_size": [0.1, 0.2]}}, not {given!r}')
        name, values = next(iter(given.items()))
        try:
            numbers = np.asarray(values, dtype=float)
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all() or (np.diff(numbers) <= 0).any():
            raise InputError(f"{which}: the values of {name} must be rising numbers")
        return cls(str(name), tuple(numbers.tolist()))


def grid(optimizer: Optimizer, axes: Sequence[Axis]) -> list[Optimizer]:
    """An optimizer a grid point; the first axis runs fastest.

    Raises:
        InputError: no such parameter, one that takes no numbers, a value out of its range.
    """
    if len({axis.name for axis in axes}) < len(axes):
        raise InputError(f"{axes[0].name} is on both axes")
    if (points := math.prod(len(axis.values) for axis in axes)) > MOST_POINTS:
        raise InputError(f"a grid of {points} points: at most {MOST_POINTS} fit into memory")
    found = [optimizer]
    for axis in reversed(axes):
        found = [placed(one, axis.name, value) for one in found for value in axis.values]
    return found


def placed(optimizer: Optimizer, name: str, value: float) -> Optimizer:
    """The optimizer with one parameter changed.

    Raises:
        InputError: as `grid`.
    """
    return _placed("optimizer", optimizer, name.split("."), value)


def is_whole(optimizer: Optimizer, name: str) -> bool:
    """Does the parameter take whole numbers alone?"""
    part: Any = optimizer
    for key in name.split("."):
        if dataclasses.is_dataclass(part) and key != name_of(part):
            part = getattr(part, key)
        elif isinstance(part, tuple):
            part = part[int(key)]
    return isinstance(part, int)


def _placed(kind: str, part: Any, path: Sequence[str], value: float) -> Any:
    key, *rest = path
    values = {f.name: getattr(part, f.name) for f in dataclasses.fields(part) if f.init}
    if key not in values:
        raise unknown(f"parameter of {kind} {name_of(part)}:", key, values)
    old = values[key]
    where = f"{kind} {name_of(part)}: {key}"
    if not rest:
        values[key] = _number(where, old, value)
    elif isinstance(old, tuple) and rest[0].isdecimal() and len(rest) == 1:
        if int(rest[0]) >= len(old):
            raise InputError(f"{where} = {list(old)} has no number {rest[0]}: the first is 0")
        values[key] = tuple(_number(where, x, value) if k == int(rest[0]) else x for k, x in enumerate(old))
    elif dataclasses.is_dataclass(old) and not isinstance(old, type):
        inner = next(name for name, (_, base) in KINDS.items() if isinstance(old, base))
        if rest[0] == name_of(old) and len(rest) > 1:
            rest = rest[1:]
        elif len(rest) > 1 and rest[0] not in {f.name for f in dataclasses.fields(old)}:
            raise InputError(f"{where} is {name_of(old)}, not {rest[0]}: write --set optimizer.{key}={rest[0]} too")
        values[key] = _placed(inner, old, rest, value)
    else:
        raise InputError(f"{where} = {old!r} has no part {'.'.join(rest)}")
    return construct(kind, type(part), values)


def _number(where: str, old: Any, value: float) -> float | int:
    """The value in the type of the one it replaces."""
    if isinstance(old, bool | str) or dataclasses.is_dataclass(old):
        shown = name_of(old) if dataclasses.is_dataclass(old) else repr(old)
        raise InputError(f"{where} = {shown} is no number, so it has no axis")
    if not isinstance(old, int):
        return float(value)
    if value != int(value):
        raise InputError(f"{where} takes whole numbers, and {value:g} is none: 1:10:10 is 1, 2, …, 10")
    return int(value)
