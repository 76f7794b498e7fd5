"""From what a user writes (names, parameters, instances, files) to checked instances of games and optimizers.

Forms: a name ``"bilinear"``; ``"*"``, every name of the catalogue with its defaults; a name with parameters
``{"bilinear": {"matrix": [[1.0]]}}``, where a bare list is one value and ``{"sweep": [a, b]}`` is one instance a value; a file
``"./mine.py:Mine"``, with or without parameters; an instance. Every parameter is checked against its annotation, whatever the form.
"""

import dataclasses
import hashlib
import importlib.util
import inspect
import itertools
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from saddlebench.catalogue import Catalogue
from saddlebench.errors import InputError, unknown
from saddlebench.games import GAMES
from saddlebench.games.game import Game
from saddlebench.optimizers import OPTIMIZERS
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.optimizers.rules import RULES
from saddlebench.optimizers.rules.rule import Rule

KINDS: dict[str, tuple[Catalogue, type]] = {
    "game": (GAMES, Game),
    "optimizer": (OPTIMIZERS, Optimizer),
    "rule": (RULES, Rule),
}


def build_all(kind: str, specs: Any) -> list[Any]:
    """Every instance that one spec or a list of specs stands for, sweeps expanded.

    Raises:
        InputError: an unknown name or parameter, a wrong value, an unreadable file.
    """
    if isinstance(specs, str | Mapping) or not isinstance(specs, Iterable):
        specs = [specs]
    return [instance for spec in specs for instance in _build_one(kind, spec)]


def build(kind: str, spec: Any) -> Any:
    """The one instance that a spec stands for.

    Raises:
        InputError: as `build_all`, or the spec stands for several.
    """
    instances = build_all(kind, spec)
    if len(instances) != 1:
        raise InputError(f"one {kind} is needed here, not {len(instances)}")
    return instances[0]


def _build_one(kind: str, spec: Any) -> list[Any]:
    catalogue, base = KINDS[kind]
    if isinstance(spec, base):
        return [checked(kind, spec)]
    if isinstance(spec, type) and issubclass(spec, base):
        return [construct(kind, spec, {})]
    if spec == "*":
        return [construct(kind, catalogue[name], {}) for name in catalogue]
    if isinstance(spec, str):
        return [construct(kind, *_find(kind, catalogue, spec, {}))]
    if isinstance(spec, Mapping):
        return [
            construct(kind, *_find(kind, catalogue, name, values))
            for written, parameters in spec.items()
            for name in (catalogue if written == "*" else [written])
            for values in expand_sweeps(_as_mapping(kind, name, parameters))
        ]
    raise InputError(f"a {kind} is a name, a name with parameters or an instance, not {spec!r}")


def _as_mapping(kind: str, name: str, parameters: Any) -> Mapping[str, Any]:
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise InputError(f"{kind} {name}: parameters must be a table of names and values, not {parameters!r}")
    return parameters


def expand_sweeps(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameter tables that ``{"sweep": […]}`` values stand for: their product, in the order written."""
    axes = []
    for name, value in parameters.items():
        if isinstance(value, Mapping) and set(value) == {"sweep"}:
            if not isinstance(value["sweep"], Iterable) or isinstance(value["sweep"], str) or not value["sweep"]:
                raise InputError(f"{name}: a sweep is a list of values, not {value['sweep']!r}")
            axes.append([(name, choice) for choice in value["sweep"]])
        else:
            axes.append([(name, value)])
    return [dict(choice) for choice in itertools.product(*axes)]


def _find(kind: str, catalogue: Catalogue, name: str, parameters: Mapping[str, Any]) -> tuple[type, Mapping[str, Any]]:
    if kind == "rule" and name.startswith("torch.optim."):
        options = tuple(sorted(parameters.items()))
        return catalogue["torch.optim"], {"optimizer": name.removeprefix("torch.optim."), "options": options}
    if ".py" in name:
        return load_file(kind, name), parameters
    return catalogue[name], parameters


def load_file(kind: str, spec: str) -> type:
    """The class of ``path/to/file.py:Class``; without a class, the only one of the file that fits.

    Raises:
        InputError: no such file, a file that fails to import, no such class.
    """
    text, _, wanted = spec.partition(".py")
    path = Path(text + ".py").expanduser().resolve()
    wanted = wanted.removeprefix(":")
    if not path.is_file():
        raise InputError(f"{kind} file {path} does not exist")
    module = import_file(path)
    base = KINDS[kind][1]
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    }
    if wanted:
        if wanted not in found:
            raise unknown(f"{kind} class in {path.name}", wanted, found)
        return found[wanted]
    if len(found) != 1:
        raise InputError(f"{path.name} has {len(found)} {kind} classes: write {path.name}:CLASS ({', '.join(found) or 'none'})")
    return next(iter(found.values()))


def import_file(path: Path) -> Any:
    """The module in a user's file, imported once a content.

    Raises:
        InputError: it fails to import; the message names the line.
    """
    name = module_of(path, path.read_bytes())
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        line = next((f":{f.lineno}" for f in reversed(inspect.trace()) if f.filename == str(path)), "")
        raise InputError(f"{path.name}{line} fails to import: {type(error).__name__}: {error}") from error
    return module


def module_of(path: Path, content: bytes) -> str:
    """The name under which a user's file is imported: a changed file is another module."""
    return f"saddlebench_user_{path.stem}_{hashlib.sha256(content).hexdigest()[:12]}"


def source_hash(instance: Any) -> str | None:
    """The hash of the files outside saddlebench that define an instance's class and those of its parts; None: there are none."""
    parts = (getattr(instance, f.name) for f in dataclasses.fields(instance)) if dataclasses.is_dataclass(instance) else ()
    found = [_class_hash(type(instance)), *(source_hash(p) for p in parts if dataclasses.is_dataclass(p))]
    known = [text for text in found if text is not None]
    if len(known) < 2:
        return next(iter(known), None)
    return hashlib.sha256("".join(known).encode()).hexdigest()[:16]


def _class_hash(cls: type) -> str | None:
    """The hash of the sources of a class and of its bases from outside saddlebench; None: there are none."""
    own = ("saddlebench", "builtins", "abc", "typing")
    foreign = [c for c in cls.__mro__ if c.__module__.split(".")[0] not in own]
    if not foreign:
        return None
    return hashlib.sha256(b"\0".join(dict.fromkeys(_source_of(c) for c in foreign))).hexdigest()[:16]


def _source_of(cls: type) -> bytes:
    """The file that defines a class; of a class typed at a prompt its source, or else the code of its methods."""
    try:
        return Path(inspect.getfile(cls)).read_bytes()
    except (OSError, TypeError):
        pass
    try:
        return inspect.getsource(cls).encode()
    except (OSError, TypeError):
        return repr([(k, _plain_code(v.__code__)) for k, v in sorted(vars(cls).items()) if inspect.isfunction(v)]).encode()


def _plain_code(code: CodeType) -> tuple[Any, ...]:
    """What a function does, without where it was written."""
    constants = [_plain_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, constants


def checked(kind: str, instance: Any) -> Any:
    """The instance with every parameter validated."""
    if not dataclasses.is_dataclass(instance):
        raise InputError(f"{kind} {type(instance).__name__} must be a dataclass: its fields are its parameters")
    values = {f.name: getattr(instance, f.name) for f in dataclasses.fields(instance) if f.init}
    return construct(kind, type(instance), values)


def construct(kind: str, cls: type, parameters: Mapping[str, Any]) -> Any:
    """An instance of a class from parameters as JSON or TOML hold them, each checked.

    Raises:
        InputError: not a dataclass, an unknown or missing parameter, a wrong value.
    """
    name = getattr(cls, "name", "") or cls.__name__
    if not dataclasses.is_dataclass(cls):
        raise InputError(f"{kind} {cls.__name__} must be a dataclass: its fields are its parameters")
    hints = _hints(cls)
    values = {}
    for key, value in parameters.items():
        if key not in hints:
            raise unknown(f"parameter of {kind} {name}:", key, hints)
        values[key] = _validate(f"{kind} {name}: {key}", hints[key], value)
    missing = [
        f.name
        for f in dataclasses.fields(cls)
        if f.init and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.name not in values
    ]
    if missing:
        raise InputError(f"{kind} {name}: {', '.join(missing)} must be given")
    try:
        return cls(**values)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"{kind} {name}: {error}") from error


@lru_cache(maxsize=512)
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.init}


@lru_cache(maxsize=512)
def _adapter(hint: Any) -> TypeAdapter[Any] | None:
    try:
        return TypeAdapter(hint)
    except PydanticUserError:
        return None  # an annotation of the user's own that pydantic does not know


def _validate(what: str, hint: Any, value: Any) -> Any:
    for kind, (_, base) in KINDS.items():
        if hint is base:  # a part that is itself built by name: a rule, a wrapped optimizer
            return build(kind, value)
    if hasattr(value, "tolist"):  # numpy and torch
        value = value.tolist()
    adapter = _adapter(hint)
    if adapter is None:
        return value
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        errors = [e for e in error.errors() if e["type"] != "tuple_type"] or error.errors()  # the other forms say more
        reasons = list(dict.fromkeys(_reason(e) for e in errors))
        raise InputError(f"{what} = {value!r}: {' or '.join(reasons)}") from None


def _reason(error: Any) -> str:
    text = str(error["msg"]).removeprefix("Input ").removeprefix("Value error, ").replace("tuple", "list")
    return text[0].lower() + text[1:]


def parameters_of(instance: Any) -> dict[str, Any]:
    """An instance's parameters as JSON can hold them: tuples as lists, parts as ``{name: parameters}``."""
    return {f.name: _plain(getattr(instance, f.name)) for f in dataclasses.fields(instance) if f.init}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name_of(value): parameters_of(value)}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value


def name_of(instance: Any) -> str:
    """The catalogue name of an instance, or its class's name."""
    return type(instance).name or type(instance).__name__
