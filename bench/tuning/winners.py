"""Winners of tuning as a suite: ``tuned.toml``, which `saddlebench run` takes.

Each winner is a block with ``track = "tuned"`` and all its hyperparameters, beside a block with what was its default. A further
search replaces the blocks of its own game and optimizers and keeps the others.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "tuned.toml"
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Winner:
    """What won, as a suite writes it.

    Attributes:
        game: spec of the game: a name, or ``{name: parameters}``.
        optimizer: name or file of the optimizer.
        parameters: the winning hyperparameters, all of them.
        given: those that were given and not searched: what the defaults run with.
        settings: of the suite's block.
    """

    game: Any
    optimizer: str
    parameters: Mapping[str, Any]
    given: Mapping[str, Any]
    settings: Mapping[str, Any]

    def blocks(self) -> list[dict[str, Any]]:
        """The winner's block and that of its defaults."""
        shared = {"games": [self.game], **self.settings}
        default = {self.optimizer: dict(self.given)} if self.given else self.optimizer
        tuned = {"track": "tuned", **shared, "optimizers": [{self.optimizer: dict(self.parameters)}]}
        return [tuned, {"track": "defaults", **shared, "optimizers": [default]}]


def write_winners(folder: Path, name: str, command: str, seeds: Sequence[int], winners: Sequence[Winner]) -> Path:
    """Write the suite of winners, with the blocks of other games and optimizers that the file has already.

    Args:
        folder: where `FILE` lies.
        name: of the suite.
        command: what found them, for a comment.
        seeds: on which they are run.
        winners: the new ones.
    """
    path = folder / FILE
    blocks: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["cross"] if path.exists() else []
    new = [{**block, "seeds": list(seeds)} for winner in winners for block in winner.blocks()]
    replaced = {_subject(block) for block in new}
    kept = [block for block in blocks if _subject(block) not in replaced]
    lines = [f"# The last of these were found by: {command}", f"name = {_toml(name)}"]
    lines.append('description = "Winners of saddlebench tune, beside the defaults"')
    for block in (*kept, *new):
        lines += ["", "[[cross]]", *(f"{key} = {_toml(value)}" for key, value in block.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def without_none(values: Any) -> Any:
    """JSON without its nulls, which TOML cannot write: such a parameter is None by default."""
    if isinstance(values, Mapping):
        return {key: without_none(value) for key, value in values.items() if value is not None}
    return values


def _subject(block: Mapping[str, Any]) -> str:
    """The game and the optimizer's name: what a newer search replaces."""
    [optimizer] = block["optimizers"]
    return json.dumps([block["games"], optimizer if isinstance(optimizer, str) else next(iter(optimizer))], sort_keys=True)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key if _BARE.fullmatch(key) else json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float):
        return repr(value)  # the shortest text that reads back as the same number
    return json.dumps(value, ensure_ascii=False)
