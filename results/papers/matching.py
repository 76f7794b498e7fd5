"""Which cells measure what a paper printed, and when a measured number may stand beside a published one.

A published FID or inception score is only ever put beside a measure of exactly that name and protocol. Distances of other feature
networks (fd_lite0_pca64, fd_lenet, …) live on other scales and are never shown in its place.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from saddlebench.results.papers.published import Published
from saddlebench.results.summary import newest

EXTRACTOR = "inception-2015-12-05"
"""The network behind every measure named `fid` or `inception_score`."""

RESIZER = "legacy-tensorflow"
"""How images reach its size."""

_BETTER = {"fid": np.min, "inception_score": np.max}
_OTHER_SCALES = ("fd_", "kid_")
_ENDED = ("converged", "cycling", "diverged", "completed", "budget")

Status = Literal["measured", "other protocol", "no such measure", "not run", "no counterpart", "not verified"]


@dataclass(frozen=True)
class Match:
    """The cells that measure a published number: these names, and at least these parameters.

    Attributes:
        game: the game's name; it need not exist yet.
        optimizer: the optimizer's name.
        game_parameters: a part of the game's parameters, nested tables likewise a part.
        optimizer_parameters: likewise.
        answer: which of the optimizer's answers is measured.
        steps: how long the paper trained; None: it does not say, or not in steps.
    """

    game: str
    optimizer: str
    game_parameters: Mapping[str, Any] = field(default_factory=dict)
    optimizer_parameters: Mapping[str, Any] = field(default_factory=dict)
    answer: Literal["last", "average"] = "last"
    steps: int | None = None

    def fits(self, run: Mapping[str, Any]) -> bool:
        """Is a row of the table `runs` such a cell?"""
        if (run["game"], run["optimizer"]) != (self.game, self.optimizer):
            return False
        pairs = ((self.game_parameters, "game_parameters"), (self.optimizer_parameters, "optimizer_parameters"))
        return all(_within(part, json.loads(run[column])) for part, column in pairs)


Matches = Mapping[tuple[str, str | None], Match]
"""(row, column) → match; column None: every column of the row that has no match of its own."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one published number.

    Attributes:
        status: ``measured``: `value` may stand beside the published one; else why there is none.
        value: mean over seeds.
        std: standard deviation over seeds (n − 1); None for a single one.
        n: seeds.
        remark: what differs, or could not be compared.
    """

    status: Status
    value: float | None = None
    std: float | None = None
    n: int | None = None
    remark: str | None = None


def match_of(matches: Matches, row: Published) -> Match | None:
    """The match of a published number, or None: nothing here measures it."""
    return matches.get((row.row, row.column), matches.get((row.row, None)))


def measured(row: Published, matches: Matches, runs: pd.DataFrame, trace: pd.DataFrame) -> Measured:
    """What `runs` and `trace` hold of a published number.

    Args:
        row: the published number.
        matches: of its paper.
        runs: the table `runs`.
        trace: the table `trace`.
    """
    if row.value is None:
        return Measured("not verified", remark=row.verified)
    match = match_of(matches, row)
    if match is None:
        return Measured("no counterpart")
    records = [r for r in newest(runs).to_dict("records") if r["status"] in _ENDED and match.fits(r)] if len(runs) else []
    if not records:
        return Measured("not run")
    keys = pd.MultiIndex.from_tuples([(r["cell"], r["context"]) for r in records])
    held = pd.MultiIndex.from_arrays([trace["cell"], trace["context"]]).isin(keys)
    own: Any = trace[held & (trace["answer"] == match.answer)]
    values = [
        v for _, part in own[own["measure"] == row.measure].groupby("cell", sort=False) if (v := _value(row, part)) is not None
    ]
    if not values:
        return Measured("no such measure", remark=_other_scales(row.measure, own))
    differences = sorted({text for r in records for text in _differences(row, match, r)})
    if differences:
        told = f"{row.measure} {np.mean(values):.4g} of {len(values)}, under another protocol: {'; '.join(differences)}"
        return Measured("other protocol", n=len(values), remark=told)
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    steps = ", ".join(str(s) for s in sorted({r["steps"] for r in records}))
    return Measured(
        "measured", float(np.mean(values)), std, len(values), "; ".join(filter(None, (f"{steps} steps", _unstated(row))))
    )


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(k in whole and _within(v, whole[k]) for k, v in part.items())
    return (list(part) if isinstance(part, tuple) else part) == whole


def _value(row: Published, part: pd.DataFrame) -> float | None:
    """The best or the last value of one run's curve; a run that was lost has none."""
    ordered = part.sort_values("step")["value"].to_numpy(dtype=float)
    if row.which_ckpt != "best":
        return float(ordered[-1]) if np.isfinite(ordered[-1]) else None
    finite = ordered[np.isfinite(ordered)]
    return float(_BETTER[row.measure](finite)) if len(finite) else None


def _other_scales(measure: str, own: pd.DataFrame) -> str:
    others = sorted({m for m in own["measure"] if m.startswith(_OTHER_SCALES)})
    if not others:
        return f"the cells have no {measure}"
    return f"the cells have {', '.join(others)}, which are on other scales than {measure} and not comparable"


def _differences(row: Published, match: Match, run: Mapping[str, Any]) -> list[str]:
    """What of the protocol that the paper states is not what the run did, or is not recorded with it."""
    found = []
    if row.extractor not in (None, EXTRACTOR):
        found.append(f"extractor {EXTRACTOR}, not {row.extractor}")
    if row.resizer not in (None, RESIZER):
        found.append(f"resizer {RESIZER}, not {row.resizer}")
    if row.which_ckpt not in (None, "best", "last"):
        found.append(f"the checkpoint of the {row.which_ckpt} is not looked up")
    if match.steps is not None and run["steps"] != match.steps:
        found.append(f"{run['steps']} steps, not {match.steps}")
    recorded = json.loads(run["final_measures"]) if isinstance(run["final_measures"], str) else {}
    for name in ("n_real", "n_fake"):
        stated, got = getattr(row, name), recorded.get(f"fid_{name}")  # one judge has both measures, counted once
        if stated is not None and got != stated:
            found.append(f"{name} {'not recorded' if got is None else f'{got:.0f}'}, not {stated}")
    split = json.loads(run["game_parameters"]).get("reference_split")
    if row.ref_split is not None and split != row.ref_split:
        found.append(f"ref_split {split or 'not recorded'}, not {row.ref_split}")
    return found


def _unstated(row: Published) -> str:
    """What the paper leaves open, so that agreement of protocols could not be checked there."""
    counts = ("n_real", "n_fake", "ref_split") if row.measure == "fid" else ("n_fake",)
    open_ = [name for name in (*counts, "resizer", "which_ckpt") if getattr(row, name) is None]
    return f"not stated by the source: {', '.join(open_)}" if open_ else ""
