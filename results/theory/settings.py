"""How the closed forms read parameters: what cannot be read means that theory has nothing to say, never an error."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from saddlebench.results.theory.linearisation import Array, NoClosedForm, Pair

_MISSING: Any = object()
# Parameters that move trajectories, not spectra: starts, samples, and how well a solver solves.
_NEUTRAL = frozenset({"start", "fresh_sample", "iterations", "solver_iterations", "tolerance"})


class Settings:
    """The parameters of one game or optimizer.

    ``known`` are the keys that the formula reads. Any other key must be neutral or switched off (None, False, 0,
    empty): an unknown option that is on would make the prediction one of another method. A ``rule`` must be the plain
    gradient.
    """

    def __init__(self, values: Mapping[str, Any], known: frozenset[str]):
        self._values = values
        self._known = known
        for key, value in values.items():
            if key not in known and key not in _NEUTRAL and key != "rule" and not _is_off(value):
                raise NoClosedForm(f"the closed form does not know the parameter {key!r}")
        rule, parameters = self.part("rule", "gradient")
        if rule != "gradient" or not all(_is_off(value) for value in parameters.values()):
            raise NoClosedForm(f"closed forms are for the plain gradient, not the rule {rule!r}")

    def replace(self, **changes: Any) -> "Settings":
        """The same settings with some values changed."""
        return Settings({**self._values, **changes}, self._known)

    def has(self, key: str) -> bool:
        """Is the parameter given and not None?"""
        return self._values.get(key) is not None

    def raw(self, key: str, default: Any = _MISSING) -> Any:
        """The value as it is; ``default`` where it is missing or None."""
        value = self._values.get(key)
        if value is not None:
            return value
        if default is _MISSING:
            raise NoClosedForm(f"the parameter {key!r} is not given")
        return default

    def number(self, key: str, default: Any = _MISSING) -> float:
        """One finite number; a pair of equal numbers is one."""
        first, second = self.pair(key, default)
        if first != second:
            raise NoClosedForm(f"{key!r} differs between the players")
        return first

    def count(self, key: str) -> int:
        """A whole number ≥ 0."""
        value = self.number(key)
        if value != int(value) or value < 0:
            raise NoClosedForm(f"{key!r} is not a count")
        return int(value)

    def pair(self, key: str, default: Any = _MISSING) -> Pair:
        """One number a player, from a number or a list of one a player (more than two must be the same)."""
        numbers = self.array(key, default).ravel()
        if len(numbers) == 2:
            return float(numbers[0]), float(numbers[1])
        if len(numbers) == 0 or np.any(numbers != numbers[0]):
            raise NoClosedForm(f"{key!r} is neither one number nor one a player")
        return float(numbers[0]), float(numbers[0])

    def array(self, key: str, default: Any = _MISSING) -> Array:
        """A finite array of numbers."""
        try:
            value = np.asarray(self.raw(key, default), dtype=float)
        except (TypeError, ValueError) as error:
            raise NoClosedForm(f"{key!r} is not made of numbers") from error
        if not np.all(np.isfinite(value)):
            raise NoClosedForm(f"{key!r} is not finite")
        return value

    def part(self, key: str, default: str) -> tuple[str, Mapping[str, Any]]:
        """A named part with its parameters, from ``name`` or ``{name: parameters}``."""
        value = self.raw(key, default)
        if isinstance(value, Mapping) and len(value) == 1:
            name, inner = next(iter(value.items()))
            return str(name), inner if isinstance(inner, Mapping) else {}
        if isinstance(value, str):
            return value, {}
        raise NoClosedForm(f"{key!r} is not a named part")


def _is_off(value: Any) -> bool:
    if isinstance(value, Mapping | Sequence | None | bool | int | float):
        return not value
    return False
