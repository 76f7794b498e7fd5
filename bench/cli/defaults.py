"""The catalogues' defaults as records hold parameters, read from the sources: no torch."""

import ast
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from saddlebench.catalogue import Entry
from saddlebench.results.identity import canonical_json


@lru_cache(maxsize=1)
def catalogue_defaults() -> dict[str, dict[str, dict[str, Any]]]:
    """kind → name → parameter → default, as JSON holds it; a default that is no plain value is left out."""
    from saddlebench.games import GAMES
    from saddlebench.optimizers import OPTIMIZERS
    from saddlebench.optimizers.rules import RULES

    rules = {entry.qualname: entry for entry in RULES.entries.values()}
    return {
        "game": {name: _defaults(entry, rules) for name, entry in GAMES.entries.items()},
        "optimizer": {name: _defaults(entry, rules) for name, entry in OPTIMIZERS.entries.items()},
        "rule": {name: _defaults(entry, rules) for name, entry in RULES.entries.items()},
    }


def name_with_parameters(kind: str, identity: Mapping[str, Any]) -> str:
    """The label of a pairing's game or optimizer: its name and the parameters that are no defaults."""
    from saddlebench.results.summary import label

    return label(kind, identity[kind], canonical_json(identity[f"{kind}_parameters"]), catalogue_defaults())


def _defaults(entry: Entry, rules: Mapping[str, Entry]) -> dict[str, Any]:
    found = {}
    for parameter in entry.parameters:
        try:
            found[parameter.name] = _value(parameter.default, rules)
        except ValueError:
            continue
    return found


def _value(source: str, rules: Mapping[str, Entry]) -> Any:
    """A literal, or a rule made without arguments as ``{name: its defaults}``.

    Raises:
        ValueError: neither.
    """
    try:
        node = ast.parse(source, mode="eval").body
    except SyntaxError as error:  # "(required)" is one word too
        raise ValueError(source) from error
    if isinstance(node, ast.Call) and not node.args and not node.keywords:
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in rules:
            return {rules[called].name: _defaults(rules[called], rules)}
    return json.loads(json.dumps(ast.literal_eval(node)))  # tuples as lists
