"""From option texts to the specs and settings that `saddlebench.bench.build` and `Settings` take. Imports no torch."""

import copy
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saddlebench.bench.suites.values import value_of, whole
from saddlebench.errors import InputError, unknown

_OWNERS = ("game", "optimizer", "settings")


@dataclass(frozen=True)
class Assignment:
    """``owner.path=value``, or of a sweep several values.

    Attributes:
        owner: ``"game"``, ``"optimizer"`` or ``"settings"``.
        path: the parameter, and names within a part: ``("rule", "adam", "betas")``.
        values: one, or those of a sweep.
        text: as the user wrote it.
    """

    owner: str
    path: tuple[str, ...]
    values: tuple[Any, ...]
    text: str


def assignments(settings: Sequence[str], sweeps: Sequence[str]) -> list[Assignment]:
    """What ``--set`` and ``--sweep`` say.

    Raises:
        InputError: not of the form ``owner.parameter=value``, or a parameter given twice.
    """
    found = [_assignment("--set", text, sweep=False) for text in settings]
    found += [_assignment("--sweep", text, sweep=True) for text in sweeps]
    taken: set[tuple[str, ...]] = set()
    for one in found:
        if (one.owner, *one.path) in taken:
            raise InputError(f"{'.'.join((one.owner, *one.path))} is given twice")
        taken.add((one.owner, *one.path))
    return found


def _assignment(option: str, text: str, sweep: bool) -> Assignment:
    name, equals, value = text.partition("=")
    owner, *path = name.strip().split(".")
    if not equals or not path or not all(path):
        raise InputError(f"{option} {text}: write {option} optimizer.step_size={'0.05,0.1' if sweep else '0.1'}")
    if owner not in _OWNERS:
        raise unknown(f"owner of a parameter in {option} {text}:", owner, _OWNERS)
    if owner == "settings" and (sweep or len(path) > 1):
        raise InputError(f"{option} {text}: a setting takes one value: --set settings.converged=1e-8")
    return Assignment(owner, tuple(path), tuple(_values(option, text, value)) if sweep else (value_of(value),), text)


def _values(option: str, text: str, value: str) -> list[Any]:
    try:
        values = json.loads(f"[{value}]")
    except ValueError:
        values = [value_of(part) for part in value.split(",")]
    if not value.strip():
        raise InputError(f"{option} {text}: no values")
    return values


def specs(kind: str, texts: Sequence[str], given: Sequence[Assignment]) -> list[str | dict[str, Any]]:
    """The specs that ``--game`` or ``--optimizer`` texts stand for, with every assignment to that kind in each, sweeps expanded.

    Raises:
        InputError: JSON that is none, or no table.
    """
    own = [one for one in given if one.owner == kind]
    found: list[str | dict[str, Any]] = []
    for text in texts:
        for name, parameters in _spec(kind, text).items():
            for choice in itertools.product(*(one.values for one in own)):
                filled = copy.deepcopy(parameters)
                for one, value in zip(own, choice, strict=True):
                    _put(filled, one.path, value)
                found.append({name: filled} if filled else name)
    return found


def _spec(kind: str, text: str) -> dict[str, dict[str, Any]]:
    if not text.lstrip().startswith("{"):
        return {text: {}}
    try:
        table = json.loads(text)
    except ValueError as error:
        raise InputError(f"--{kind} {text}: this is no JSON ({error})") from None
    for name, parameters in table.items():
        if not isinstance(parameters, dict | None):
            raise InputError(f'--{kind} {text}: the parameters of {name} must be a table: {{"{name}": {{"parameter": value}}}}')
    return {name: parameters or {} for name, parameters in table.items()}


def _put(table: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """``("rule", "adam", "betas")``: the part `rule` is made an adam, with these betas."""
    for name in path[:-1]:
        inner = table.get(name)
        if isinstance(inner, str):  # a part by its bare name
            inner = {inner: {}}
        table[name] = inner if isinstance(inner, dict) else {}
        table = table[name]
    table[path[-1]] = value


def settings_of(given: Sequence[Assignment]) -> dict[str, Any]:
    """The settings among the assignments."""
    return {one.path[0]: one.values[0] for one in given if one.owner == "settings"}


def checkpoints_of(text: str) -> int | list[int]:
    """``50``: so many; ``0,10,100``: these steps.

    Raises:
        InputError: neither.
    """
    value = value_of(text if "," not in text else f"[{text}]")
    if whole(value) or (isinstance(value, list) and all(whole(v) for v in value)):
        return value
    raise InputError(f"--checkpoints {text}: a number of checkpoints (50) or a list of steps (0,10,100)")


def points_of(texts: Sequence[str]) -> list[str | int]:
    """Points of a spectrum: names, and steps as numbers."""
    return [int(text) if text.isdecimal() else text for text in texts]
