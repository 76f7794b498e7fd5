"""Checks of what an optimizer's or a game's class says about itself: name, docstring, parameters."""

import dataclasses
import inspect
import json
import re
from typing import Any

from saddlebench.bench.build import KINDS, checked, construct, parameters_of
from saddlebench.bench.contracts.finding import NotApplicable, require
from saddlebench.errors import InputError

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_EQUALITY = re.compile(r"[=∝←≤≥]|\\in\b")


def kind_of(instance: Any) -> str:
    """Game or optimizer."""
    return next(kind for kind, (_, base) in KINDS.items() if isinstance(instance, base))


def is_a_frozen_dataclass(instance: Any) -> None:
    """A frozen dataclass, so that its fields are its parameters and no run can change them."""
    cls = type(instance)
    require("__dataclass_fields__" in cls.__dict__, f"{cls.__name__} has no @dataclass(frozen=True) above it")
    require(cls.__dataclass_params__.frozen, f"{cls.__name__} is not frozen: write @dataclass(frozen=True)")


def has_a_name_of_its_own(instance: Any) -> None:
    """A kebab-case name that no other class has."""
    cls, kind = type(instance), kind_of(instance)
    name = cls.__dict__.get("name", "")
    require(name, f'{cls.__name__} has no name: add a line like  name = "my-{kind}"')
    require(
        _KEBAB.fullmatch(name), f"the name {name!r} is not in kebab-case: small letters, digits and single hyphens, like my-{kind}"
    )
    catalogue = KINDS[kind][0]
    if name in catalogue:
        other = catalogue[name]
        own_file = inspect.getsourcefile(other) == inspect.getsourcefile(cls)
        require(
            other is cls or own_file, f"the name {name!r} belongs to {other.__module__}.{other.__name__}: tables would mix the two"
        )


def docstring_states_the_formula(instance: Any) -> None:
    """A docstring of its own with a formula in it."""
    cls = type(instance)
    text = cls.__dict__.get("__doc__") or ""
    missing = not text.strip() or text.startswith(f"{cls.__name__}(")  # dataclass writes such a line where there is none
    example = "w⁺ = w − η v(w)" if kind_of(instance) == "optimizer" else "f(x, y) = xᵀAy"
    require(not missing, f"{cls.__name__} has no docstring: state the formula in its first line, like  {example}")
    require(_EQUALITY.search(text), f"the docstring of {cls.__name__} has no formula: state it, like  {example}")


def parameters_have_defaults(instance: Any) -> None:
    """Every parameter has a default, so that the name alone can be run."""
    missing = [
        f.name
        for f in dataclasses.fields(instance)
        if f.init and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    require(not missing, f"no default for {', '.join(missing)}: the class must be runnable by its name alone")


def defaults_fit_their_annotations(instance: Any) -> None:
    """The parameters pass the validation of their own annotations."""
    try:
        checked(kind_of(instance), instance)
    except InputError as error:
        require(False, f"a default does not fit its annotation: {error}")


def nonsense_is_refused(instance: Any) -> None:
    """A value that makes no sense is refused with one line, by the parameter's annotation."""
    fields = [f for f in dataclasses.fields(instance) if f.init]
    if not fields:
        raise NotApplicable("it has no parameters")
    for f in fields:
        nonsense = [object()]
        if isinstance(getattr(instance, f.name), float):
            nonsense += ["fast", float("nan")]
        for value in nonsense:
            accepted = _accepts(instance, f.name, value)
            shown = "an arbitrary object" if type(value) is object else repr(value)
            advice = "annotate it with a type of saddlebench.parameters, like Positive, or a Literal"
            require(not accepted, f"{f.name} accepts {shown}: {advice}")


def _accepts(instance: Any, parameter: str, value: Any) -> bool:
    try:
        construct(kind_of(instance), type(instance), {parameter: value})
    except InputError:
        return False
    return True


def parameters_survive_json(instance: Any) -> None:
    """The same instance comes back from its parameters written as JSON, which is what results and suites hold."""
    written = parameters_of(instance)
    try:
        text = json.dumps(written, allow_nan=False)
    except (TypeError, ValueError) as error:
        require(False, f"the parameters cannot be written as JSON: {error}")
        raise
    back = construct(kind_of(instance), type(instance), json.loads(text))
    changed = [f.name for f in dataclasses.fields(instance) if f.init and getattr(back, f.name) != getattr(instance, f.name)]
    require(not changed, f"{', '.join(changed)} came back changed from JSON: {text}")
    require(back == instance, "an instance made from the same parameters is not equal: keep nothing but parameters in fields")


FORM_CHECKS = (
    is_a_frozen_dataclass,
    has_a_name_of_its_own,
    docstring_states_the_formula,
    parameters_have_defaults,
    defaults_fit_their_annotations,
    nonsense_is_refused,
    parameters_survive_json,
)
