"""The table of negative momentum, measured: bounded and converging pairs of step size and momentum on bilinear games.

A pair is one method, step size η, momenta (β_x, β_y) and game; its seeds are judged together, by spectrum and trajectory:

- ρ > 1 + 1e-9: not bounded, however slowly it grows. ρ < 1 − 1e-9: bounded, and it converges if every trajectory shrinks too.
- otherwise ρ = 1: bounded where the eigenvalues on the unit circle are simple, hence semisimple, and no trajectory was lost. Where
  some coincide, eigenvalues do not tell a semisimple one from a defective one (which grows linearly): the trajectories decide,
  bounded where the maxima of their last two quarters agree (status `cycling`).

A row of the table is about all its step sizes, or those small enough. With σ the largest singular value of the game's matrix:

    simultaneous, and alternating with β > 0     every η            Gidel et al. 2019, Theorem 5; Schur–Cohn
    alternating, β = 0                           ησ < 2             modulus 1 until the roots meet at −1
    alternating, β < 0                           η²σ² < 4(1 + β_x)(1 + β_y)   a root at −1 on the edge

A row holds (is bounded, converges) if every pair of its range does, and does not if none does.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.results.papers.published import Claim
from saddlebench.results.summary import newest

UNIT = 1e-9  # how far from 1 a spectral radius is another number
_CIRCLE, _DISTINCT = 1e-6, 1e-5  # a defective double eigenvalue is computed as two, about √ε apart
_METHODS = {"heavy-ball": "simultaneous", "alternating-heavy-ball": "alternating"}
_ENDED = ("converged", "cycling", "diverged", "budget")


@dataclass(frozen=True)
class Pair:
    """One method, step size and momenta on one game; numbers are over its seeds.

    Attributes:
        method: ``"simultaneous"`` or ``"alternating"``.
        step: √(η_xη_y) σ_max.
        momenta: (β_x, β_y).
        condition: σ_max/σ_min of the game's matrix.
        radius: the largest spectral radius.
        bounded: is every seed bounded?
        converges: does every seed converge?
        statuses: how the trajectories ended.
        decided_by_trajectory: were unit eigenvalues equal, so that the spectrum alone did not decide?
        rates: the lowest and the highest measured rate; None: runs were lost before one could be fitted.
        contradicted: did a trajectory grow or shrink against its spectrum?
    """

    method: str
    step: float
    momenta: tuple[float, float]
    condition: float
    radius: float
    bounded: bool
    converges: bool
    statuses: Counter[str]
    decided_by_trajectory: bool
    rates: tuple[float, float] | None
    contradicted: bool

    @property
    def column(self) -> str:
        """The column of the published table, ``""`` for momenta of both signs."""
        low, high = min(self.momenta), max(self.momenta)
        if low == high == 0:
            return "β = 0"
        return "β > 0" if low >= 0 else "β < 0" if high <= 0 else ""


@dataclass(frozen=True)
class Range:
    """The step sizes that a row of the table is about."""

    text: str
    holds: Callable[[Pair], bool]


_EVERY = Range("every η", lambda pair: True)
RANGES = {
    ("alternating", "β = 0"): Range("ησ < 2", lambda pair: pair.step < 2),
    ("alternating", "β < 0"): Range(
        "η²σ² < 4(1+β_x)(1+β_y)", lambda pair: pair.step**2 < 4 * (1 + pair.momenta[0]) * (1 + pair.momenta[1])
    ),
}


@dataclass(frozen=True)
class Row:
    """A published row beside what was measured; None: there are no pairs, or some hold and some do not."""

    claim: Claim
    range: Range
    inside: tuple[Pair, ...]
    outside: tuple[Pair, ...]

    @property
    def bounded(self) -> bool | None:
        """Is every pair of the range bounded (True), or none (False)?"""
        return _unanimous([pair.bounded for pair in self.inside])

    @property
    def converges(self) -> bool | None:
        """Likewise."""
        return _unanimous([pair.converges for pair in self.inside])

    @property
    def agrees(self) -> bool | None:
        """Do both marks equal the published ones? None: not run."""
        return (self.bounded, self.converges) == (self.claim.bounded, self.claim.converges) if self.inside else None


def table(claims: Sequence[Claim], runs: pd.DataFrame, spectrum: pd.DataFrame) -> list[Row]:
    """The published rows with the pairs that the tables `runs` and `spectrum` hold of each."""
    found = pairs(runs, spectrum)
    rows = []
    for claim in claims:
        of_range = RANGES.get((claim.row, claim.column), _EVERY)
        own = [pair for pair in found if (pair.method, pair.column) == (claim.row, claim.column)]
        inside = tuple(pair for pair in own if of_range.holds(pair))
        rows.append(Row(claim, of_range, inside, tuple(pair for pair in own if not of_range.holds(pair))))
    return rows


def pairs(runs: pd.DataFrame, spectrum: pd.DataFrame) -> list[Pair]:
    """The judged pairs of heavy ball on bilinear games; cells without a spectrum at the equilibrium are left out."""
    own: Any = newest(runs)
    own = own[(own["game"] == "bilinear") & own["optimizer"].isin(_METHODS) & own["status"].isin(_ENDED)]
    kept: Any = spectrum[(spectrum["point"] == "equilibrium") & (spectrum["operator"] == "step") & spectrum["transverse"]]
    values = {key: part["re"].to_numpy() + 1j * part["im"].to_numpy() for key, part in kept.groupby(["cell", "context"])}
    found = []
    for (game, optimizer, settings), part in own.groupby(["game_parameters", "optimizer", "optimizer_parameters"], sort=False):
        records = [r for r in part.to_dict("records") if (r["cell"], r["context"]) in values]
        hyperparameters = json.loads(settings)
        if not records or hyperparameters.get("schedule") not in (None, [0, 1]):
            continue
        judged = [judge(values[r["cell"], r["context"]], r) for r in records]
        largest, smallest = _singular_values(json.loads(game))
        eta = _per_player(hyperparameters["step_size"])
        rates = [r["measured_rate"] for r in records if r["measured_rate"] > 0]
        found.append(
            Pair(
                method=_METHODS[optimizer],
                step=math.sqrt(eta[0] * eta[1]) * largest,
                momenta=_per_player(hyperparameters["momentum"]),
                condition=largest / smallest,
                radius=max(one.radius for one in judged),
                bounded=all(one.bounded for one in judged),
                converges=all(one.converges for one in judged),
                statuses=Counter(r["status"] for r in records),
                decided_by_trajectory=any(one.by_trajectory for one in judged),
                rates=(min(rates), max(rates)) if rates else None,
                contradicted=any(one.contradicted for one in judged),
            )
        )
    return found


@dataclass(frozen=True)
class Judgement:
    """The verdict on one cell."""

    radius: float
    bounded: bool
    converges: bool
    by_trajectory: bool
    contradicted: bool


def judge(eigenvalues: np.ndarray, run: Mapping[str, Any]) -> Judgement:
    """Is one run bounded, does it converge, by the rule above?

    Args:
        eigenvalues: of its step map at the equilibrium, without null directions.
        run: its row of the table `runs`: `status` and `measured_rate`.
    """
    moduli = np.abs(eigenvalues)
    radius = float(moduli.max())
    lost = run["status"] == "diverged"
    shrinks = run["status"] == "converged" or run["measured_rate"] < 1
    if radius > 1 + UNIT:
        return Judgement(radius, bounded=False, converges=False, by_trajectory=False, contradicted=shrinks)
    if radius < 1 - UNIT:
        return Judgement(radius, not lost, shrinks, by_trajectory=False, contradicted=not shrinks)
    on = eigenvalues[moduli > 1 - _CIRCLE]
    gaps = np.abs(on[:, None] - on)[~np.eye(len(on), dtype=bool)]
    if gaps.min(initial=np.inf) > _DISTINCT:
        return Judgement(radius, not lost, converges=False, by_trajectory=False, contradicted=lost)
    settled = run["status"] == "cycling"
    return Judgement(radius, settled, converges=False, by_trajectory=True, contradicted=False)


def claimed_rate(pair: Pair) -> float:
    """max(1/2, 1 − η²σ_min²/16), the rate of the squared distance that Theorem 6 is said to give for η ≤ 1/σ_max."""
    return max(0.5, 1 - (pair.step / pair.condition) ** 2 / 16)


def rate_remarks(rows: Sequence[Row]) -> list[str]:
    """Where η = 1/σ_max was run: the measured rate of the squared distance beside the claimed one."""
    found = []
    measured = [pair for row in rows for pair in (*row.inside, *row.outside)]
    for momenta, text in (((-0.5, -0.5), "(−½, −½)"), ((-0.5, 0.0), "(−½, 0)")):
        known = [p for p in measured if p.method == "alternating" and p.momenta == momenta and abs(p.step - 1) < 1e-9]
        if known:
            worst = max(known, key=lambda p: p.radius**2 - claimed_rate(p))
            verdict = "fails" if worst.radius**2 > claimed_rate(worst) + UNIT else "holds"
            found.append(f"β = {text}: measured {worst.radius**2:.6f} against {claimed_rate(worst):.6f}, it {verdict}")
    return found


def _unanimous(marks: Sequence[bool]) -> bool | None:
    return marks[0] if len(set(marks)) == 1 else None


def _per_player(value: Any) -> tuple[float, float]:
    x, y = value if isinstance(value, list) else (value, value)
    return float(x), float(y)


def _singular_values(game: Mapping[str, Any]) -> tuple[float, float]:
    """The largest singular value of a bilinear game's matrix and the smallest that is not 0; one drawn by seed has 1 on top."""
    if game.get("shape") is not None:
        return 1.0, 1 / game["condition_number"] if min(game["shape"]) > 1 else 1.0
    found = np.linalg.svd(np.array(game["matrix"] or [[1.0]]), compute_uv=False)
    return float(found[0]), float(found[found > 1e-12 * found[0]].min())
