"""Samples of the report: the pictures beside the results, made smaller and put into the page."""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MOST_PICTURES = 60
MOST_BYTES = 1_500_000
WIDTH = 360
"""Pixels; wider pictures are made as wide as this."""

_NAME = re.compile(r".*-(?P<cell>[^-]+)-seed-?\d+(-(?P<name>.+))?")


def pictures(
    folder: Path, members: Sequence[np.ndarray], runs: pd.DataFrame, most: int = MOST_PICTURES, most_bytes: int = MOST_BYTES
) -> tuple[list[list[dict[str, Any]]], dict[str, int]]:
    """The pictures ``folder/samples/GAME/OPTIMIZER-CELL-seedN.png`` of each group's runs, and the game's own, ``…-seedN-NAME.png``.

    Every group's first picture comes before any group's second, until ``most`` pictures or ``most_bytes`` of them are taken.

    Returns:
        For each group ``{"seed", "name", "source", "uri"}`` a picture, without a name for samples; and how many were ``found``,
        ``shown`` and ``unreadable``.
    """
    by_cell: dict[str, list[tuple[str, Path]]] = {}
    for path in sorted((folder / "samples").glob("*/*-seed*.png")):
        if found := _NAME.fullmatch(path.stem):
            by_cell.setdefault(f"{path.parent.name}/{found['cell']}", []).append((found["name"] or "", path))
    taken: list[list[dict[str, Any]]] = [[] for _ in members]
    counts = {"found": 0, "shown": 0, "unreadable": 0}
    if not by_cell:
        return taken, counts
    cells, games, seeds = (runs[name].tolist() for name in ("cell", "game", "seed"))
    waiting = []
    for number, at in enumerate(members):
        own = [(seeds[k], *named) for k in at for named in by_cell.get(f"{games[k]}/{cells[k][:8]}", ())]
        waiting += [(turn, number, *one) for turn, one in enumerate(sorted(own))]
    counts["found"] = len(waiting)
    used = 0
    for _, number, seed, name, path in sorted(waiting, key=lambda one: one[:2]):
        if counts["shown"] >= most or used >= most_bytes:
            break
        uri = _embedded(path)
        if uri is None:
            counts["unreadable"] += 1
            continue
        used += len(uri)
        counts["shown"] += 1
        taken[number].append({"seed": seed, "name": name, "source": str(path.relative_to(folder)), "uri": uri})
    return taken, counts


def told(counts: Mapping[str, int]) -> str | None:
    """What was left out, in words."""
    parts = []
    if counts["found"] > counts["shown"] + counts["unreadable"]:
        parts.append(f"{counts['shown']} of {counts['found']} pictures are shown; the others lie in samples/ beside the results")
    if counts["unreadable"]:
        parts.append(f"{counts['unreadable']} pictures could not be read")
    return "; ".join(parts) or None


def _embedded(path: Path) -> str | None:
    """The picture as a data address, no wider than `WIDTH`; None where it is none."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            small = picture.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    if small.width > WIDTH:
        small = small.resize((WIDTH, max(1, round(small.height * WIDTH / small.width))), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "WEBP", quality=82, method=4)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
