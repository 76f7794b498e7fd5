"""From what a program recorded to rows of the tables."""

import json
from datetime import datetime
from typing import Any

import numpy as np

from saddlebench.bench.cells import Cell
from saddlebench.bench.context import Context
from saddlebench.bench.program import History
from saddlebench.bench.settings import Settings
from saddlebench.bench.spectrum import Spectrum
from saddlebench.bench.verdict import Verdict, judge, measured_rate
from saddlebench.results.identity import canonical_json
from saddlebench.results.schema import measure_direction

_OWN_COLUMNS = {"distance", "gap", "field_norm"}


def identity_row(cell: Cell, context: Context, key: str, started: datetime) -> dict[str, Any]:
    """The columns of a run that are known before it is run."""
    identity = cell.pairing.identity
    return {
        "cell": cell.key,
        "context": key,
        "game": identity["game"],
        "game_parameters": canonical_json(identity["game_parameters"]),
        "optimizer": identity["optimizer"],
        "optimizer_parameters": canonical_json(identity["optimizer_parameters"]),
        "seed": cell.seed,
        "budget": canonical_json(identity["budget"]),
        "protocol": identity["protocol"],
        "suite": cell.pairing.suite,
        "track": cell.pairing.track,
        "game_source": identity["game_source"],
        "optimizer_source": identity["optimizer_source"],
        "started_at": started,
        **{k: getattr(context, k) for k in ("commit", "dirty", "dtype", "device", "machine", "torch_version", "driver", "threads")},
    }


def empty_totals(status: str, reason: str | None, runs: int) -> dict[str, Any]:
    """The totals of a run that made no step."""
    return {
        "status": status,
        "reason": reason,
        "steps": 0,
        "gradients": 0.0,
        "products": 0.0,
        "seconds": None,
        "program_seconds": 0.0,
        "runs_in_program": runs,
    }


class Results:
    """Verdicts, totals and trace rows of a program's runs.

    Args:
        history: what the program recorded.
        settings: the settings it ran under.
        runs: how many runs it stepped.
        no_solution: why the game's known point is no solution, or "" if it is one (`saddlebench.games.game.Game`).
    """

    def __init__(self, history: History, settings: Settings, runs: int, no_solution: str = "") -> None:
        self.history = history
        self.settings = settings
        self.runs = runs
        self.no_solution = no_solution
        self.steps = np.array(history.steps)
        self.series = {key: np.concatenate(parts) for key, parts in history.measures.items()}
        distance, gap = self.series.get(("last", "distance")), self.series.get(("last", "gap"))
        self.criterion = gap if distance is None else distance
        self.verdicts = [self._verdict(r) for r in range(runs)]

    def _verdict(self, r: int) -> Verdict:
        criterion = None if self.criterion is None else self.criterion[:, r]
        verdict = judge(self.steps, criterion, self.series["last", "field_norm"][:, r], self.settings)
        if self.history.timed_out and verdict.status not in ("converged", "diverged"):
            return Verdict("timeout", verdict.end)
        return verdict

    def totals(self, r: int) -> dict[str, Any]:
        """Status, totals, final and best measures of run r. A diverged run is frozen where it was lost."""
        history, verdict = self.history, self.verdicts[r]
        end = verdict.end
        row = {
            "status": verdict.status,
            "reason": _reason(verdict, self.steps, self.no_solution),
            "steps": int(self.steps[end]),
            "gradients": history.gradients[end],
            "products": history.products[end],
            "seconds": history.seconds[end] if self.runs == 1 else None,
            "program_seconds": history.seconds[-1],
            "runs_in_program": self.runs,
            "tier": history.tier,
            "tier_reason": history.tier_reason,
            "compile_seconds": history.compile_seconds,
            "peak_memory_bytes": history.peak_memory_bytes,
        }
        own = {"distance": "distance", "gap": "gap"}
        for measure, column in own.items():
            values = self._until_end("last", measure, r)
            if values is not None:
                row[f"final_{column}"] = values[-1]
                row[f"best_{column}"] = _best(values, "lower")
                if measure == "distance":
                    row["start_distance"] = values[0]
            averaged = self._until_end("average", measure, r)
            if averaged is not None:
                row[f"final_average_{column}"] = averaged[-1]
        norms = self._until_end("last", "field_norm", r)
        assert norms is not None, "every program measures the field"
        row["final_field_norm"] = norms[-1]
        others = sorted(m for a, m in self.series if a == "last" and m not in _OWN_COLUMNS)
        curves = {m: v for m in others if (v := self._until_end("last", m, r)) is not None}
        judged = [m for a, m in self.series if a == "average" and measure_direction(m) and m not in _OWN_COLUMNS]
        curves |= {f"average_{m}": v for m in sorted(judged) if (v := self._until_end("average", m, r)) is not None}
        row["final_measures"] = _as_json({m: v[-1] for m, v in curves.items()} | history.references)
        row["extractor"] = history.extractor
        row["best_measures"] = _as_json({m: _best(v, measure_direction(m)) for m, v in curves.items()})
        if self.criterion is not None:
            row["measured_rate"] = measured_rate(self.steps[: end + 1], self.criterion[: end + 1, r])
        return row

    def _until_end(self, answer: str, measure: str, r: int) -> np.ndarray | None:
        values = self.series.get((answer, measure))
        return None if values is None else values[: self.verdicts[r].end + 1, r]

    def trace(self, cells: list[str], context: str) -> dict[str, Any]:
        """The trace of all runs as columns: a row a checkpoint, answer and measure, until the run ended."""
        wanted = np.isin(self.steps, self.settings.checkpoint_steps())
        wanted[-1] = True
        ends = np.array([v.end for v in self.verdicts])
        points = np.arange(len(self.steps))
        live = (wanted[:, None] | (points[:, None] == ends)) & (points[:, None] <= ends)  # (points, runs)
        at, run = np.nonzero(live.T)[::-1]
        keys = sorted(self.series)
        count = len(keys)
        history = self.history
        return {
            "cell": np.repeat(np.array(cells, dtype=object)[run], count),
            "context": np.full(len(at) * count, context, dtype=object),
            "step": np.repeat(self.steps[at], count),
            "gradients": np.repeat(np.array(history.gradients)[at], count),
            "products": np.repeat(np.array(history.products)[at], count),
            **{name: np.repeat(np.array(getattr(history, name))[at], count) for name in ("seconds", "waited", "yardstick")},
            "answer": np.tile(np.array([a for a, _ in keys], dtype=object), len(at)),
            "measure": np.tile(np.array([m for _, m in keys], dtype=object), len(at)),
            "value": np.stack([self.series[k][at, run] for k in keys], -1).ravel(),
        }


def spectrum_rows(cell: str, context: str, point: str, spectrum: Spectrum, operator: str = "step") -> list[dict[str, Any]]:
    """A row an eigenvalue of the ``operator``; where the game declares null directions, also one each left without them."""
    method = "dense" if spectrum.residuals is None else "arnoldi"
    shared = {"cell": cell, "context": context, "point": point, "operator": operator, "method": method}
    rows = []
    for k, value in enumerate(spectrum.eigenvalues):
        more = {
            "mass": canonical_json([round(float(m), 12) for m in spectrum.mass[k]]),
            "residual": None if spectrum.residuals is None else float(spectrum.residuals[k]),
            "gradient_share": None if spectrum.gradient_share is None else float(spectrum.gradient_share[k]),
        }
        rows.append({**shared, **_eigenvalue(k, value), **more, "transverse": spectrum.transverse is None})
    for k, value in enumerate(() if spectrum.transverse is None else spectrum.transverse):
        rows.append({**shared, **_eigenvalue(k, value), "mass": "[]", "transverse": True})
    return rows


def _eigenvalue(k: int, value: complex) -> dict[str, Any]:
    return {"index": k, "re": float(value.real), "im": float(value.imag), "modulus": float(abs(value))}


def _reason(verdict: Verdict, steps: np.ndarray, no_solution: str) -> str | None:
    if verdict.status == "diverged":
        return f"lost by step {steps[verdict.end]}"
    if verdict.status == "converged" and no_solution:
        return f"drawn to a critical point that is no solution: {no_solution}"
    return None


def _best(values: np.ndarray, direction: str | None) -> float | None:
    finite = values[np.isfinite(values)]
    if direction is None or not len(finite):
        return None
    return float(finite.min() if direction == "lower" else finite.max())


def _as_json(values: dict[str, Any]) -> str | None:
    plain = {k: float(v) for k, v in values.items() if v is not None and np.isfinite(v)}
    return json.dumps(plain, sort_keys=True) if plain else None
