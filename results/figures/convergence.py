"""Convergence bands: a measure over cost, gradients, seconds or steps, the median over seeds with the range of the middle half.

A run that has diverged is infinitely bad from there on, so that no median improves by losing its worst runs.
"""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlebench.errors import InputError, unknown
from saddlebench.results.figures.style import CONTEXT, legend, line_styles, saved
from saddlebench.results.points import points
from saddlebench.results.schema import measure_direction
from saddlebench.results.store import Tables

OVER = {"cost": "cost (gradients + 2 products)", "gradients": "gradients", "seconds": "seconds of stepping", "steps": "steps"}
"""What may be the horizontal axis, with its label."""

_SHOWN = 1e-3  # the axis begins at this fraction of its end: before it nothing has happened
_SMALLEST = 1e-16  # values below are drawn here: rounding, on a logarithmic axis


def convergence(
    tables: Tables, path: Path, game: str, measure: str = "distance", optimizers: tuple[str, ...] = (), over: str = "cost"
) -> Path:
    """Draw ``measure`` of the last iterate, a line an optimizer and its hyperparameters.

    Args:
        tables: runs and trace.
        path: of the figure; its suffix decides the format (svg, pdf, png).
        game: the game whose runs are drawn.
        measure: a measure of the trace.
        optimizers: the optimizers that are drawn; empty: all.
        over: one of `OVER`; seconds are drawn of runs that ran alone, at the median of their clocks.

    Raises:
        InputError: there is nothing to draw.
    """
    if over not in OVER:
        raise unknown("axis", over, OVER)
    wanted = tables.runs["game"] == game
    if optimizers:
        wanted &= tables.runs["optimizer"].isin(optimizers)
    if over == "seconds":
        wanted &= tables.runs["runs_in_program"] == 1
    runs: Any = tables.runs[wanted.to_numpy()].reset_index(drop=True)
    table: Any = points(runs, tables.trace, measure)
    if table.empty:
        alone = " that ran alone (saddlebench run --timing)" if over == "seconds" else ""
        raise InputError(f"no {measure} of {', '.join(optimizers) or 'any optimizer'} on {game}{alone} to draw")
    direction = measure_direction(measure)
    table["value"] = _censored(table, runs, direction)
    logarithmic = direction == "lower"  # distances shrink by factors; counts and fractions do not
    if logarithmic:
        table["value"] = table["value"].clip(lower=_SMALLEST)
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        axes = figure.subplots()
        finite = table.loc[np.isfinite(table["value"]), "value"]
        edge = (-np.inf if direction == "higher" else np.inf, float(finite.min() if direction == "higher" else finite.max()))
        for name, style in line_styles(list(dict.fromkeys(runs["optimizer"]))).items():
            own = runs[runs["optimizer"] == name].groupby(["optimizer_parameters", "game_parameters"], sort=True).indices.values()
            of_name = np.flatnonzero(runs["optimizer"] == name)
            for k, at in enumerate(own):
                line: Any = table[table["run"].isin(of_name[at].tolist())]
                if len(line):
                    _band(axes, line, "step" if over == "steps" else over, name if k == 0 else "_nolegend_", style, edge)
        axes.set(xscale="log", yscale="log" if logarithmic else "linear", title=game)
        axes.set(xlabel=OVER[over], ylabel=measure.replace("_", " "))
        end = float(table["step" if over == "steps" else over].max())
        axes.set_xlim(left=end * _SHOWN if over == "seconds" else max(1.0, end * _SHOWN))
        legend(figure, axes)
        return saved(figure, path)


def _censored(table: pd.DataFrame, runs: pd.DataFrame, direction: str | None) -> np.ndarray:
    """The values, infinitely bad in place of the numbers that a diverged run no longer has."""
    values = table["value"].to_numpy()
    lost = (runs["status"] == "diverged").to_numpy()[table["run"]] & ~np.isfinite(values)
    return np.where(lost, -np.inf if direction == "higher" else np.inf, values)


def _band(axes: Axes, line: pd.DataFrame, over: str, label: str, style: dict[str, Any], edge: tuple[float, float]) -> None:
    """Median and middle half by step. Of ``edge`` the first, infinitely bad, is drawn at the second."""
    values: Any = line.pivot(index="run", columns="step", values="value")
    last = values.ffill(axis=1)
    values = values.where(values.notna() | ~np.isinf(last), last)  # a diverged run has no rows any more
    x = line.groupby("step")[over].median().reindex(values.columns).to_numpy()
    kept = values.notna().any().to_numpy()
    matrix, x = values.to_numpy()[:, kept], x[kept]
    quantile: Any = np.nanquantile
    wanted = ((0.25, "lower"), (0.5, "lower"), (0.5, "higher"), (0.75, "higher"))
    low, below, above, high = (quantile(matrix, q, axis=0, method=method) for q, method in wanted)
    middle = np.where(below == above, below, below / 2 + above / 2)
    (drawn,) = axes.plot(x, np.where(np.isfinite(middle), middle, np.nan), label=label, color=style["color"], linewidth=1.3)
    if style["dashes"]:
        drawn.set_dashes(style["dashes"])
    ends = (np.where(end == edge[0], edge[1], end) for end in (low, high))
    axes.fill_between(x, *ends, color=style["color"], alpha=0.15, linewidth=0, where=np.isfinite(middle))
