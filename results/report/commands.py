"""From a run's identity to the command that runs it again: ``saddlebench run --game … --set … --optimizer … --seeds …``.

The command names what differs from the catalogue's defaults, so it is read easily and still gives the same cells; a parameter whose
default is not known is named whatever its value.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from saddlebench.results.summary import Defaults

_OPTIONS = ("steps", "cost", "seconds")  # settings of one number with an option of their own


def command(run: Mapping[str, Any], seeds: Sequence[int], defaults: Defaults) -> str:
    """The shell command that runs the cells of one game, optimizer and budget.

    Args:
        run: a row of the table `runs`.
        seeds: of the cells.
        defaults: of the catalogues (`saddlebench.bench.cli.defaults.catalogue_defaults`).

    A class from a user's file stands as ``./FILE.py:Class``: results know the file's hash, not its place (`missing`).
    """
    words = ["saddlebench", "run"]
    for kind in ("game", "optimizer"):
        name = run[kind]
        known = defaults.get(kind, {})
        words += [f"--{kind}", name if name in known else f"./FILE.py:{name}"]
        for parameter, value in changed(json.loads(run[f"{kind}_parameters"]), known.get(name, {})).items():
            words += ["--set", f"{kind}.{parameter}={_text(_shortened(value, defaults))}"]
    words += ["--seeds", _seeds(seeds), *_settings(json.loads(run["budget"]))]
    return shlex.join([*words, "--dtype", run["dtype"], "--device", run["device"]])


def missing(run: Mapping[str, Any]) -> list[str]:
    """What the command cannot say: the files outside saddlebench that the run needs, by the start of their hash."""
    return [
        f"needs the file that defines {run[kind]} or a part of it (hash {run[f'{kind}_source']})"
        for kind in ("game", "optimizer")
        if isinstance(run[f"{kind}_source"], str)
    ]


def changed(values: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the ``values`` that are no defaults. 1 and 1.0 and true are told apart."""
    return {name: value for name, value in values.items() if name not in own or json.dumps(own[name]) != json.dumps(value)}


def _shortened(value: Any, defaults: Defaults) -> Any:
    """A part, ``{name: parameters}``, without its defaults; anything else as it is.

    A name may be that of a rule and of an optimizer: the part is the one whose parameters it has, and is left whole where both are.
    """
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((name, inner),) = value.items()
    if not isinstance(inner, dict):
        return value
    tables = [defaults.get(kind, {}).get(name, {}) for kind in ("rule", "optimizer")]
    fitting = [own for own in tables if set(own) == set(inner)]
    kept = changed(inner, fitting[0]) if len(fitting) == 1 else inner
    return {name: {parameter: _shortened(one, defaults) for parameter, one in kept.items()}}


def _text(value: Any) -> str:
    """JSON; a text that is none stands bare."""
    if isinstance(value, str) and value == value.strip():
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _seeds(seeds: Sequence[int]) -> str:
    """``10`` for 0 to 9, otherwise the list; a list of one in brackets, lest it be a number of seeds."""
    ordered = sorted(set(seeds))
    return str(len(ordered)) if ordered == list(range(len(ordered))) else _list(ordered)


def _list(values: Sequence[int]) -> str:
    return ",".join(map(str, values)) if len(values) > 1 else json.dumps(list(values))


def _settings(budget: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in budget.items():
        if name in _OPTIONS:
            words += [f"--{name}", json.dumps(value)]
        elif name == "checkpoints":
            words += ["--checkpoints", _list(value) if isinstance(value, list) else str(value)]
        elif name == "spectrum":
            words += [word for point in value for word in ("--spectrum", str(point))]
        elif name == "timing":
            words += ["--timing"] if value else []
        else:
            words += ["--set", f"settings.{name}={json.dumps(value)}"]
    return words
