"""Suites: TOML files that name cells. Reading and listing them imports no torch.

    name = "night"
    description = "what it is for"
    seeds = 10                    # or a list; further settings: steps, cost, checkpoints, spectrum, timing, …
    dtype = "float64"             # or left out: each game's own; timeout = seconds a group may take

    [[cross]]                     # every game × every optimizer of the block
    games = ["bilinear", { quadratic = { convexity = 0.1 } }, "./mine.py:Mine"]
    optimizers = [{ extragradient = { step_size = { sweep = [0.05, 0.1] } } }]
    steps = 500                   # a block may have seeds and settings of its own, and a track: "tuned" (default "defaults")

Files are looked for beside the suite's own.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saddlebench.bench.settings import Settings
from saddlebench.bench.suites.values import seeds_of
from saddlebench.errors import InputError, unknown
from saddlebench.results.schema import TRACKS

if TYPE_CHECKING:
    from saddlebench.bench.cells import Cell

FOLDER = Path(__file__).parent

_SETTINGS = tuple(f.name for f in fields(Settings))
_TOP = ("name", "description", "seeds", "dtype", "timeout", "cross", *_SETTINGS)
_BLOCK = ("games", "optimizers", "seeds", "track", *_SETTINGS)


@dataclass(frozen=True)
class Block:
    """One ``[[cross]]``: every game × optimizer × seed of it, under its settings."""

    games: list[Any]
    optimizers: list[Any]
    seeds: list[int]
    settings: dict[str, Any]
    track: str = "defaults"


@dataclass(frozen=True)
class Suite:
    """A suite as its file states it; nothing is built yet."""

    name: str
    description: str
    path: Path
    blocks: tuple[Block, ...]
    dtype: str | None = None
    timeout: float | None = None

    def cells(self, seeds: list[int] | None = None, settings: Mapping[str, Any] | None = None, ready: bool = True) -> "list[Cell]":
        """The cells of all blocks, each once, in the order of the file.

        Args:
            seeds: in place of the file's.
            settings: over the file's.
            ready: games must be playable here.

        Raises:
            InputError: what building finds wrong, with the file and the block.
        """
        from saddlebench.bench.build import build_all
        from saddlebench.bench.cells import cross

        found: dict[str, Cell] = {}
        for number, block in enumerate(self.blocks, 1):
            where = f"{self.path.name}: cross {number}"
            games = _within(f"{where}: games", build_all, "game", block.games)
            optimizers = _within(f"{where}: optimizers", build_all, "optimizer", block.optimizers)
            chosen = _within(where, Settings.of, **{**block.settings, **(settings or {})})
            asked = block.seeds if seeds is None else seeds
            cells = _within(where, cross, games, optimizers, asked, chosen, self.name, block.track, ready)
            for cell in cells:
                found.setdefault(cell.key, cell)
        return list(found.values())


def shipped() -> list[Suite]:
    """The suites that come with saddlebench, by name."""
    return sorted((load(path) for path in FOLDER.glob("*.toml")), key=lambda suite: suite.name)


def find(text: str) -> Suite:
    """A suite by its name, or from the path of a TOML file.

    Raises:
        InputError: no such suite, or a file that is none.
    """
    if text.endswith(".toml") or "/" in text:
        return load(Path(text).expanduser())
    known = {path.stem: path for path in FOLDER.glob("*.toml")}
    if text not in known:
        if Path(f"{text}.toml").is_file():
            raise InputError(f"unknown suite {text!r}: did you mean the file {text}.toml?")
        raise unknown("suite", text, known)
    return load(known[text])


def load(path: Path) -> Suite:
    """Read a suite's file.

    Raises:
        InputError: the file cannot be read, or a key is unknown or of the wrong type; named with the file.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"suite file {path.absolute()} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the suite {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is no TOML: {error}") from error
    return _within(path.name, _suite, path.absolute(), table)


def _suite(path: Path, table: dict[str, Any]) -> Suite:
    _known_keys(table, _TOP, "key")
    blocks = table.get("cross")
    if not isinstance(blocks, list) or not blocks or not all(isinstance(b, dict) for b in blocks):
        raise InputError("a suite needs at least one [[cross]] table with games and optimizers")
    shared = {name: table[name] for name in _SETTINGS if name in table}
    Settings.of(**shared)
    dtype, timeout = table.get("dtype"), table.get("timeout")
    if dtype not in (None, "float32", "float64"):
        raise InputError(f"dtype = {dtype!r} is not float32 or float64")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0):
        raise InputError(f"timeout = {timeout!r} must be a positive number of seconds")
    return Suite(
        name=_text(table, "name", path.stem),
        description=_text(table, "description", ""),
        path=path,
        blocks=tuple(_within(f"cross {k}", _block, b, table.get("seeds", 3), shared, path.parent) for k, b in enumerate(blocks, 1)),
        dtype=dtype,
        timeout=timeout,
    )


def _block(table: dict[str, Any], seeds: Any, shared: dict[str, Any], folder: Path) -> Block:
    _known_keys(table, _BLOCK, "key")
    lists = {}
    for name in ("games", "optimizers"):
        value = table.get(name)
        if not isinstance(value, list) or not value:
            raise InputError(f'{name} must be a list of names, such as {name} = ["{_example(name)}"]')
        lists[name] = [_beside(folder, spec) for spec in value]
    settings = {**shared, **{name: table[name] for name in _SETTINGS if name in table}}
    Settings.of(**settings)
    track = table.get("track", TRACKS[0])
    if track not in TRACKS:
        raise unknown("track", str(track), TRACKS)
    return Block(lists["games"], lists["optimizers"], seeds_of(table.get("seeds", seeds), "seeds"), settings, track)


def _example(name: str) -> str:
    return "bilinear" if name == "games" else "extragradient"


def _text(table: dict[str, Any], name: str, default: str) -> str:
    value = table.get(name, default)
    if not isinstance(value, str) or (name == "name" and (not value or "/" in value or value.startswith("."))):
        raise InputError(f"{name} = {value!r} must be a text{' that can name a directory' if name == 'name' else ''}")
    return value


def _known_keys(table: dict[str, Any], known: tuple[str, ...], kind: str) -> None:
    for key in table:
        if key not in known:
            raise unknown(kind, key, known)


def _beside(folder: Path, spec: Any) -> Any:
    """File specs made absolute: relative ones lie beside the suite."""
    if isinstance(spec, str) and ".py" in spec:
        return str(folder / Path(spec).expanduser())
    if isinstance(spec, dict):
        return {_beside(folder, name): parameters for name, parameters in spec.items()}
    return spec


def _within(where: str, work: Any, *arguments: Any, **keywords: Any) -> Any:
    """What `work` returns; where a bad input was found stands before its message."""
    try:
        return work(*arguments, **keywords)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
