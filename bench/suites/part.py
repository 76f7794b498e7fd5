"""A part of a suite: only some of its games, only some of its optimizers."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from saddlebench.bench.suites.load import Suite
from saddlebench.errors import InputError, unknown
from saddlebench.games import GAMES
from saddlebench.optimizers import OPTIMIZERS


def part_of(suite: Suite, games: Collection[str], optimizers: Collection[str]) -> Suite:
    """The suite with these games and optimizers alone, by name; none named: all.

    Raises:
        InputError: a name that the suite does not have, or it crosses none of the games with any of the optimizers.
    """
    wanted = {"games": ("game", games, GAMES), "optimizers": ("optimizer", optimizers, OPTIMIZERS)}
    kept = list(suite.blocks)
    for side, (kind, names, catalogue) in wanted.items():
        if not names:
            continue
        known = {name for block in suite.blocks for spec in getattr(block, side) for name, _ in _named(spec, catalogue)}
        for name in names:
            if name not in known:
                raise unknown(f"{kind} of the suite {suite.name}", name, sorted(known))
        kept = [replace(block, **{side: _chosen(getattr(block, side), names, catalogue)}) for block in kept]
    kept = [block for block in kept if block.games and block.optimizers]
    if not kept:
        raise InputError(f"the suite {suite.name} does not cross {', '.join(games)} with {', '.join(optimizers)}")
    return replace(suite, blocks=tuple(kept))


def _chosen(specs: list[Any], names: Collection[str], catalogue: Mapping[str, type]) -> list[Any]:
    return [one for spec in specs for name, one in _named(spec, catalogue) if name in names]


def _named(spec: Any, catalogue: Mapping[str, type]) -> list[tuple[str, Any]]:
    """The names that a spec of a suite stands for, each with a spec of its own."""
    written = {spec: None} if isinstance(spec, str) else spec
    return [
        (name, name if isinstance(spec, str) else {name: parameters})
        for text, parameters in written.items()
        for name in (catalogue if text == "*" else [text])
    ]
