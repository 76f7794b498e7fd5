"""Findings that need no statistics: a lost cell, an error, a value that is no number any more, another feature extractor."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from saddlebench.results.store import Tables

_FAILED = ("error", "timeout")


@dataclass(frozen=True)
class Fault:
    """A finding by itself.

    Attributes:
        kind: ``"missing"``, ``"error"``, ``"nan"``, ``"extractor"``, ``"refused"`` or ``"golden"``.
        optimizer: its name.
        game: its name.
        cells: how many cells of the two.
        detail: in words.
    """

    kind: str
    optimizer: str
    game: str
    cells: int
    detail: str


def faults(baseline: Tables, new: Tables, moves: pd.DataFrame) -> list[Fault]:
    """What of ``new`` is a finding by itself, grouped by kind, optimizer and game.

    Args:
        baseline: each cell once.
        new: likewise.
        moves: `saddlebench.results.regression.traces.moved` of the two.
    """
    old: Any = baseline.runs.set_index("cell")
    now: Any = new.runs.set_index("cell")
    gone: Any = old.loc[~old.index.isin(now.index)]
    both: Any = now.merge(old[["status", "extractor"]], left_index=True, right_index=True, suffixes=("", "_old"))
    failed: Any = both[both["status"].isin(list(_FAILED)) & ~both["status_old"].isin(list(_FAILED))]
    refused: Any = both[(both["status"] == "not_applicable") & (both["status_old"] != "not_applicable")]
    extracted: Any = both[both["extractor"].fillna("") != both["extractor_old"].fillna("")]
    extracted = extracted[~extracted["status"].isin([*_FAILED, "not_applicable"])]
    extracted = extracted[~extracted["status_old"].isin([*_FAILED, "not_applicable"])]
    nan: Any = both[both.index.isin(list(moves.index[moves["nan"].to_numpy(dtype=bool)]))]
    added: Any = now.loc[~now.index.isin(old.index)]
    return [
        *_grouped("missing", gone, lambda part: _in_their_place(part, added)),
        *_grouped("error", failed, lambda part: f"{part['status'].iloc[0]}: {part['reason'].iloc[0]}"),
        *_grouped("refused", refused, lambda part: f"does not apply any more: {part['reason'].iloc[0]}"),
        *_grouped("nan", nan, lambda part: _first_nan(moves.loc[part.index])),
        *_grouped("extractor", extracted, lambda p: f"features by {p['extractor'].iloc[0]}, not {p['extractor_old'].iloc[0]}"),
    ]


def _grouped(kind: str, runs: Any, told: Any) -> Iterable[Fault]:
    for (optimizer, game), part in runs.groupby(["optimizer", "game"], sort=True):
        yield Fault(kind, optimizer, game, len(part), told(part))


def _in_their_place(gone: Any, added: Any) -> str:
    """What the new results hold of the same pair besides, as a changed default makes other cells."""
    pair = (added["optimizer"] == gone["optimizer"].iloc[0]) & (added["game"] == gone["game"].iloc[0])
    others: Any = added[pair]
    if others.empty:
        return "not in the new results"
    for name in ("optimizer_parameters", "game_parameters", "budget", "protocol"):
        if set(others[name]) != set(gone[name]):
            return f"in their place {len(others)} with other {name}: {others[name].iloc[0]}"
    return f"in their place {len(others)} other cells"


def _first_nan(moves: pd.DataFrame) -> str:
    first: Any = moves.sort_values("step").iloc[0]
    return f"values are no numbers any more; the record differs from step {first['step']:.0f} on"
