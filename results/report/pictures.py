"""Pictures of the report: the games' own and grids of samples, which lie beside the results, made smaller and put into the page."""

import base64
import io
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MOST_PICTURES = 60
MOST_BYTES = 1_500_000
WIDTH = 360
"""Pixels; wider pictures are made as wide as this."""

_MOST_WORDS = 400  # characters of what a file says of itself
_NAME = re.compile(r".*-(?P<cell>[^-]+)-seed-?\d+(-(?P<name>.+))?")
_CHECKPOINT = re.compile(r"((?P<answer>.+)-)?step(?P<step>\d+)")


@dataclass(frozen=True)
class _File:
    """A picture of a run.

    Attributes:
        path: of it.
        own: is it one of the game's own, and no grid of samples?
        name: of what it shows.
        step: of a grid of a checkpoint; None: the picture is of the run's end.
    """

    path: Path
    own: bool
    name: str
    step: int | None


@dataclass(frozen=True)
class _Candidate:
    """A file and whose it is: the group's number, its row on the game's leaderboard, the run's seed and the turn of the seed."""

    file: _File
    group: int
    row: int
    seed: int
    turn: int


def pictures(
    folder: Path,
    members: Sequence[np.ndarray],
    games: Sequence[str],
    runs: pd.DataFrame,
    most: int = MOST_PICTURES,
    most_bytes: int = MOST_BYTES,
) -> tuple[list[list[dict[str, Any]]], dict[str, int]]:
    """The pictures of each group's runs, until ``most`` of them or ``most_bytes`` are taken.

    Files are ``folder/samples/GAME/OPTIMIZER-CELL-seedN.png``, with ``-step000100`` at the end those of a checkpoint, with another
    name the game's own. Of each game come first its own pictures of one run, the best row's, or one grid of samples where it has
    none: every game's first before any game's second. Then come in the same turns grids of the end, a row after another, own
    pictures of other rows and seeds, and at last grids of checkpoints, the latest first.

    Args:
        folder: of the results.
        members: positions in ``runs`` of each group, those of a game from its best row to its worst.
        games: of each group its game, with parameters.
        runs: the table `runs`.
        most: pictures.
        most_bytes: of all data addresses together; the one that passes it is the last.

    Returns:
        For each group ``{"seed", "name", "own", "step", "about", "source", "uri"}`` a picture, ``step`` and ``about`` (what
        the game says of it) None where its file does not tell; and how many were ``found``, ``shown`` and ``unreadable``.
    """
    taken: list[list[dict[str, Any]]] = [[] for _ in members]
    counts = {"found": 0, "shown": 0, "unreadable": 0}
    of_game = _candidates(folder, members, games, runs)
    waiting = []
    for place, (lead, rest) in enumerate(map(_ordered, of_game)):
        counts["found"] += len(lead) + len(rest)
        waiting += [(0, turn, place, one) for turn, one in enumerate(lead)] + [
            (1, turn, place, one) for turn, one in enumerate(rest)
        ]
    used = 0
    for *_, one in sorted(waiting, key=lambda waiter: waiter[:3]):
        if counts["shown"] >= most or used >= most_bytes:
            break
        embedded = _embedded(one.file)
        if embedded is None:
            counts["unreadable"] += 1
            continue
        used += len(embedded["uri"])
        counts["shown"] += 1
        place = {"seed": one.seed, "name": one.file.name, "own": one.file.own, "source": str(one.file.path.relative_to(folder))}
        taken[one.group].append(place | embedded)
    return taken, counts


def _candidates(folder: Path, members: Sequence[np.ndarray], games: Sequence[str], runs: pd.DataFrame) -> list[list[_Candidate]]:
    """All pictures, a list a game; where games differ in parameters alone, the first of each name come before all second ones."""
    by_cell: dict[str, list[_File]] = {}
    for path in sorted((folder / "samples").glob("*/*-seed*.png")):
        if found := _NAME.fullmatch(path.stem):
            by_cell.setdefault(f"{path.parent.name}/{found['cell']}", []).append(_file(path, found["name"]))
    if not by_cell:
        return []
    cells, names, seeds = (runs[name].tolist() for name in ("cell", "game", "seed"))
    of_game: dict[str, list[_Candidate]] = {}
    rows: Counter[str] = Counter()
    variants: dict[str, list[str]] = {}
    for group, (at, game) in enumerate(zip(members, games, strict=True)):
        own = of_game.setdefault(game, [])
        with_any = [(seeds[k], files) for k in at if (files := by_cell.get(f"{names[k]}/{cells[k][:8]}"))]
        with_any.sort(key=lambda one: one[0])
        own += [_Candidate(file, group, rows[game], seed, turn) for turn, (seed, files) in enumerate(with_any) for file in files]
        if not rows[game] and len(at):
            variants.setdefault(names[at[0]], []).append(game)
        rows[game] += 1
    turns = sorted((turn, number, game) for number, same in enumerate(variants.values()) for turn, game in enumerate(same))
    return [of_game[game] for *_, game in turns]


def _file(path: Path, name: str | None) -> _File:
    if name is None:
        return _File(path, False, "samples", None)
    if found := _CHECKPOINT.fullmatch(name):
        return _File(path, False, f"samples of the {found['answer']}" if found["answer"] else "samples", int(found["step"]))
    return _File(path, True, name, None)


def _ordered(own: Sequence[_Candidate]) -> tuple[list[_Candidate], list[_Candidate]]:
    """What stands for a game, and the rest."""

    def last(one: _Candidate) -> tuple[Any, ...]:
        step = math.inf if one.file.step is None else one.file.step
        return one.file.step is not None, one.turn, one.row, one.file.own, -step, one.file.path

    ordered = sorted(own, key=last)
    named = [one for one in ordered if one.file.own]
    if named:
        best = min((one.row, one.turn) for one in named)
        lead = [one for one in named if (one.row, one.turn) == best]
    else:
        lead = ordered[:1]
    return lead, [one for one in ordered if one not in lead]


def told(counts: Mapping[str, int]) -> str | None:
    """What was left out, in words."""
    parts = []
    if counts["found"] > counts["shown"] + counts["unreadable"]:
        parts.append(f"{counts['shown']} of {counts['found']} pictures are shown; the others lie in samples/ beside the results")
    if counts["unreadable"]:
        parts.append(f"{counts['unreadable']} pictures could not be read")
    return "; ".join(parts) or None


def _embedded(file: _File) -> dict[str, Any] | None:
    """The picture as a data address, no wider than `WIDTH`, and what its file tells; None where it is none."""
    from PIL import Image

    try:
        with Image.open(file.path) as picture:
            step, about = picture.info.get("Step"), picture.info.get("Description")
            small = picture.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    if small.width > WIDTH:
        small = small.resize((WIDTH, max(1, round(small.height * WIDTH / small.width))), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    small.save(written, "WEBP", quality=82, method=4)
    return {
        "step": int(step) if isinstance(step, str) and step.isdecimal() else file.step,
        "about": str(about)[:_MOST_WORDS] if about else None,
        "uri": "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode(),
    }
