"""Search spaces of hyperparameters: what `saddlebench tune` draws from.

Every optimizer has ONE space, the same for all games: of each of its parameters the range that its class declares,

    search: ClassVar[Space] = {"step_size": LogUniform(1e-3, 10), "alpha": Uniform(0.05, 1), "decay": None}  # None: not searched

or else the range of its word (`WORDS`: a word means the same everywhere), or else that of its declared type. Parts (a rule, a
wrapped optimizer) bring the spaces of their own parameters; a rule may also say which ``step_size`` suits its directions. What
steers the program (counts, flags, choices, tolerances) stays as it is, and so does what is off or coupled by default (0 on a
logarithmic scale, None). One number serves all players, unless the default is one a player.

Ranges are maps from the unit interval, so that any quasi-random sequence draws from them.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, get_args, get_origin, get_type_hints

from saddlebench import parameters

Path = tuple[str, ...]
_DIGITS = 4  # significant, of a drawn value: enough for tuning, and a person can read and write them


class Range(Protocol):
    """Where one number is drawn from."""

    def at(self, u: float) -> float:
        """The value at u in [0, 1]."""
        ...

    def holds(self, value: float) -> bool:
        """Does it lie in the range, ends included?"""
        ...


@dataclass(frozen=True)
class Uniform:
    """low + u (high − low)."""

    low: float
    high: float

    def at(self, u: float) -> float:
        """The value at u."""
        return _rounded(self.low + u * (self.high - self.low))

    def holds(self, value: float) -> bool:
        """low ≤ value ≤ high."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g}"


@dataclass(frozen=True)
class LogUniform:
    """low^(1−u) high^u, both positive."""

    low: float
    high: float

    def at(self, u: float) -> float:
        """The value at u."""
        return _rounded(self.low * (self.high / self.low) ** u)

    def holds(self, value: float) -> bool:
        """low ≤ value ≤ high."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g} (log)"


@dataclass(frozen=True)
class OneMinus:
    """1 − x with x drawn from another range: a decay β, whose 1 − β has a logarithmic scale."""

    of: Range

    def at(self, u: float) -> float:
        """The value at u."""
        return round(1 - self.of.at(u), 12)  # 1 − 0.001 is .999, not the double beside it

    def holds(self, value: float) -> bool:
        """Is 1 − value in the other range?"""
        return self.of.holds(round(1 - value, 12))

    def __str__(self) -> str:
        return f"1 − ({self.of})"


Spec = Range | tuple[Any, ...] | None
"""A range, a tuple of them for a parameter that is a tuple, or None: not searched."""
Space = Mapping[str, Spec]

STEP = LogUniform(1e-4, 1)
SMALL_STEP = LogUniform(1e-5, 0.1)
"""Of methods whose directions have entries of size one (Adam, RMSProp)."""
BETAS = (Uniform(0, 0.95), OneMinus(LogUniform(1e-4, 0.1)))

WORDS: Space = {
    "step_size": STEP,
    "inner_step_size": STEP,
    "momentum": Uniform(-0.9, 0.9),
    "betas": BETAS,
    "optimism": Uniform(0, 2),
    "weight_decay": LogUniform(1e-4, 0.1),
    "epsilon": None,  # guards divisions
    "tolerance": None,
}
_SCALE = LogUniform(1e-2, 10)
_TYPES: tuple[tuple[Any, Spec], ...] = (
    (parameters.Positive, _SCALE),
    (parameters.PositiveScalar, _SCALE),
    (parameters.NonNegative, _SCALE),
    (parameters.NonNegativeScalar, _SCALE),
    (parameters.Momentum, Uniform(-0.9, 0.9)),
    (parameters.Decay, OneMinus(LogUniform(1e-3, 1))),
    (parameters.Betas, BETAS),
    (parameters.Share, Uniform(0, 1)),
    (parameters.Tolerance, None),
)


def space_of(instance: Any) -> dict[Path, Spec]:
    """What is searched of an optimizer or a rule: path of the parameter (``("rule", "betas")``) → its range.

    A range by word or type that leaves out the instance's own value is widened to a decade around it, or to it.
    """
    cls = type(instance)
    hints, declared = get_type_hints(cls, include_extras=True), declared_by(cls)
    found: dict[Path, Spec] = {}
    for name in (f.name for f in dataclasses.fields(instance) if f.init):
        value = getattr(instance, name)
        if name in declared:
            spec = declared[name]
        elif dataclasses.is_dataclass(value):
            found |= {(name, *path): spec for path, spec in space_of(value).items()}
            continue
        elif name == "step_size":
            spec = _reaching(_suits(instance) or STEP, value)
        else:
            spec = _reaching(WORDS[name] if name in WORDS else _by_type(hints[name]), value)
        if spec is not None:
            found[name,] = spec
    return found


def declared_by(cls: type) -> dict[str, Spec]:
    """The ``search`` of a class over those of its bases."""
    found: dict[str, Spec] = {}
    for base in reversed(cls.__mro__):
        found |= base.__dict__.get("search", {})
    return found


def ranges(spec: Spec) -> Iterator[Range]:
    """The single ranges of a spec, in order: an axis of the unit cube each."""
    if isinstance(spec, tuple):
        for part in spec:
            yield from ranges(part)
    elif spec is not None:
        yield spec


def value_at(spec: Spec, u: Iterator[float]) -> Any:
    """The value of a parameter, taking a coordinate of the unit cube for each of its ranges."""
    if isinstance(spec, tuple):
        return tuple(value_at(part, u) for part in spec)
    return None if spec is None else spec.at(next(u))


def contains(spec: Spec, value: Any) -> bool:
    """Does a value lie in the ranges? Of one number a player each must, where the range is one for all."""
    if isinstance(value, tuple) and not isinstance(spec, tuple):
        return all(contains(spec, part) for part in value)
    if isinstance(spec, tuple):
        return isinstance(value, Sequence) and len(value) == len(spec) and all(map(contains, spec, value))
    return spec is None or (isinstance(value, int | float) and spec.holds(value))


def replaced(instance: Any, values: Mapping[Path, Any]) -> Any:
    """The instance with the values at these paths."""
    inner: dict[str, dict[Path, Any]] = {}
    own: dict[str, Any] = {}
    for (name, *rest), value in values.items():
        if rest:
            inner.setdefault(name, {})[tuple(rest)] = value
        else:
            own[name] = value
    parts = {name: replaced(getattr(instance, name), given) for name, given in inner.items()}
    return dataclasses.replace(instance, **own, **parts)


def text(spec: Spec) -> str:
    """As a person reads it: ``0.0001 … 1 (log)``."""
    return f"[{', '.join(map(text, spec))}]" if isinstance(spec, tuple) else str(spec)


def _suits(instance: Any) -> Spec:
    """The step size that suits the directions of the instance's rule, or of a rule within it."""
    rule = getattr(instance, "rule", None)
    if not dataclasses.is_dataclass(rule):
        return None
    own = declared_by(type(rule))
    return own["step_size"] if "step_size" in own else _suits(rule)


def _by_type(hint: Any) -> Spec:
    for kind, spec in _TYPES:
        if hint == kind:
            return spec
    if get_origin(hint) is Annotated and get_args(hint)[0] is float:
        bounds: dict[str, float] = {}
        for part in get_args(hint)[1:]:
            for constraint in getattr(part, "metadata", ()):
                bounds |= {side: getattr(constraint, side) for side in ("gt", "ge", "lt", "le") if hasattr(constraint, side)}
        low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
        if low is not None and high is not None:
            margin = (high - low) / 20  # a bound may itself be forbidden
            return Uniform(_rounded(low + margin), _rounded(high - margin))
    return None


def _reaching(spec: Spec, value: Any) -> Spec:
    """The spec widened to hold the default; None where the default cannot lie on its scale: off, coupled, of another form."""
    if isinstance(value, tuple) and not isinstance(spec, tuple):
        parts = tuple(_reaching(spec, v) for v in value)
        return None if None in parts else parts
    if isinstance(spec, tuple):
        return spec if contains(spec, value) else None
    if spec is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if spec.holds(value):
        return spec
    if isinstance(spec, LogUniform):
        return LogUniform(min(spec.low, value / 10), max(spec.high, value * 10)) if value > 0 else None
    if isinstance(spec, Uniform):
        return Uniform(min(spec.low, value), max(spec.high, value))
    return None


def _rounded(value: float) -> float:
    """To four significant digits."""
    return value if value == 0 else round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))
