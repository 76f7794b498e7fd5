"""What a run is asked to do: its budget, its checkpoints, its verdict's tolerances. Part of a cell's identity."""

import dataclasses
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from saddlebench.errors import InputError, unknown

# Version of the measuring protocol: results of different versions are not comparable.
# 2: 1000 watched points, up from 200; distances to the nearest of many equilibria (torus, covariance GAN, matrix games);
# every method on a box is clipped to it.
PROTOCOL = 2
_MOST_STEPS = 10**9
TIERS = ("off", "trace", "on", "auto")
_HOW_ALONE = ("checkpoint_minutes", "compile", "memory")  # settings that are no part of the identity
_CLOSEST = 10  # steps between two watched points: a verdict needs no more, and a point costs as much as a small step


@dataclass(frozen=True)
class Settings:
    """Budget, checkpoints and verdict of a run.

    Attributes:
        steps: the budget in steps; None: the game's default, or whatever the other budgets allow.
        cost: the budget in cost (gradients + 2·products); the step that reaches it is the last.
        seconds: the budget in seconds of stepping; every run is then stepped alone.
        checkpoints: how many log-spaced checkpoints, or the steps themselves; None: ten a decade.
        watched: how many evenly spaced points the verdict looks at besides the checkpoints (games with a distance or gap), at least
            ten steps apart. 200 take 5 to 15 % of the runs on a cycle for undecided: they meet too few of its peaks.
        converged: a run has converged at this fraction of its starting distance or gap.
        diverged: a run has diverged at this multiple of it.
        cycling: a run cycles where the maxima of its last two quarters differ by at most this fraction.
        spectrum: where the spectrum is taken: ``"equilibrium"``, ``"final"`` or numbers of checkpoints' steps.
        timing: step every run alone, after a warm-up, so that its seconds are its own.
        checkpoint_minutes: how often the whole state goes to disk, so that a killed run goes on from there; 0: never. No part of
            the identity: it changes no number.
        compile: how steps are made, ``"off"``, ``"trace"``, ``"on"`` or ``"auto"``: `saddlebench.bench.compiling.tiers`. No part of
            the identity either: it changes numbers by rounding alone.
        memory: the share of the free memory that the steps of runs that step together may take; more runs step in parts
            (`saddlebench.bench.splitting`). No part of the identity, likewise.
    """

    steps: int | None = None
    cost: float | None = None
    seconds: float | None = None
    checkpoints: int | tuple[int, ...] | None = None
    watched: int = 1000
    converged: float = 1e-6
    diverged: float = 1e6
    cycling: float = 0.05
    spectrum: tuple[str | int, ...] = ()
    timing: bool = False
    checkpoint_minutes: float = 5.0
    compile: str = "off"
    memory: float = 0.5

    def __post_init__(self) -> None:
        if self.watched < 1:
            raise InputError(f"watched = {self.watched}: at least one is needed")
        for name in ("steps", "cost", "seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"{name} = {value!r}: a budget must be positive")
        if isinstance(self.checkpoints, int):
            if self.checkpoints < 1:
                raise InputError(f"checkpoints = {self.checkpoints}: at least one is needed")
        elif self.checkpoints is not None and (not self.checkpoints or min(self.checkpoints) < 0):
            raise InputError("checkpoints: a list of steps must not be empty or hold negative steps")
        for name in ("converged", "diverged", "cycling"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} = {getattr(self, name)!r}: a tolerance must be positive")
        if self.checkpoint_minutes < 0:
            raise InputError(f"checkpoint_minutes = {self.checkpoint_minutes!r}: a time must not be negative (0: no checkpoints)")
        if not 0 < self.memory <= 1:
            raise InputError(f"memory = {self.memory!r}: a share of the free memory, above 0 and at most 1")
        if self.compile not in TIERS:
            raise unknown("way to compile", self.compile, TIERS)
        if not self.converged < 1 < self.diverged:
            raise InputError("converged must be below 1 and diverged above it: they are fractions and multiples of the start")
        for point in self.spectrum:
            if isinstance(point, bool) or not isinstance(point, int | str) or (isinstance(point, int) and point < 0):
                raise InputError(f"spectrum: {point!r} is neither 'equilibrium', 'final' nor a step")
            if isinstance(point, str) and point not in ("equilibrium", "final"):
                raise unknown("point of a spectrum", point, ("equilibrium", "final"))

    @classmethod
    def of(cls, **values: Any) -> "Settings":
        """Settings from a table of a suite or from keywords; lists become tuples.

        Raises:
            InputError: an unknown setting, or a value of the wrong type.
        """
        fields = {f.name: f for f in dataclasses.fields(cls)}
        checked = {}
        for name, value in values.items():
            if name not in fields:
                raise unknown("setting", name, fields)
            checked[name] = _converted(name, value)
        return cls(**checked)

    @property
    def alone(self) -> bool:
        """Must every run be stepped alone?"""
        return self.timing or self.seconds is not None

    def budget(self, default_steps: int) -> "Settings":
        """The settings with a number of steps."""
        if self.steps is not None:
            return self
        return dataclasses.replace(self, steps=default_steps if self.cost is None and self.seconds is None else _MOST_STEPS)

    @lru_cache(maxsize=64)  # noqa: B019 - settings are small and few; every cell of a suite asks for the same steps
    def checkpoint_steps(self) -> list[int]:
        """The checkpoints of a budget in steps: log-spaced with both ends, or the given ones within the budget.

        The steps at which a spectrum is asked for are checkpoints too.
        """
        last = self.steps
        assert last is not None, "budget() fills the steps in"
        asked = {s for s in self.spectrum if isinstance(s, int) and s <= last}
        if isinstance(self.checkpoints, tuple):
            return sorted({0, last, *asked, *(s for s in self.checkpoints if s <= last)})
        count = self.checkpoints or round(10 * math.log10(last)) + 1
        spaced = (round(last ** (k / max(count - 1, 1))) for k in range(count))
        return sorted({0, last, *asked, *spaced})

    @lru_cache(maxsize=64)  # noqa: B019 - as above
    def watched_steps(self) -> list[int]:
        """The checkpoints and the evenly spaced steps that the verdict looks at besides them."""
        last = self.steps
        assert last is not None, "budget() fills the steps in"
        spacing = max(_CLOSEST, last // self.watched)
        if last == _MOST_STEPS:  # the end is not known: every tenth step to a thousand, then ever fewer
            spaced = {round(1000 * 1.02**k) for k in range(698)}
            return sorted({*self.checkpoint_steps(), *range(0, 1000, _CLOSEST), *spaced})
        return sorted({*self.checkpoint_steps(), *range(0, last + 1, spacing)})

    def identity(self) -> dict[str, Any]:
        """What of the settings makes a cell another cell, as JSON holds it: what differs from the defaults, and the steps."""
        plain = {k: v for k, v in dataclasses.asdict(self).items() if k not in _HOW_ALONE}
        defaults = dataclasses.asdict(Settings())
        return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items() if v != defaults[k]}


def _converted(name: str, value: Any) -> Any:
    if isinstance(value, list):
        value = tuple(value)
    if value is None:
        return None
    if name == "compile" and isinstance(value, bool):  # as TOML, YAML and the command line spell on and off
        value = "on" if value else "off"
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    wanted = {
        "steps": ("a whole number", whole),
        "watched": ("a whole number", whole),
        "checkpoints": (
            "a whole number or a list of steps",
            whole or (isinstance(value, tuple) and all(isinstance(v, int) for v in value)),
        ),
        "spectrum": ("a list of points", isinstance(value, tuple)),
        "compile": ("off, trace, on or auto", isinstance(value, str | bool)),
        "timing": ("true or false", isinstance(value, bool)),
    }.get(name, ("a number", number))
    if not wanted[1]:
        raise InputError(f"setting {name} = {value!r} must be {wanted[0]}")
    if wanted[0] == "a number" and isinstance(value, int | float):
        return float(value)  # 100 and 100.0 are one budget
    return value
