"""Convergence bands: a measure over cost, the median over seeds with the range of the middle half."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlebench.errors import InputError
from saddlebench.results.figures.style import CONTEXT, line_styles
from saddlebench.results.schema import measure_direction
from saddlebench.results.store import Tables

_SHOWN_OF_COST = 1e-3  # the axis begins at this fraction of the largest cost: before it nothing has happened
_SMALLEST = 1e-16  # values below are drawn here: rounding, on a logarithmic axis


def convergence(tables: Tables, path: Path, game: str, measure: str = "distance", optimizers: tuple[str, ...] = ()) -> Path:
    """Draw ``measure`` of the last iterate against cost (gradients + 2·products), a line an optimizer and its hyperparameters.

    Args:
        tables: runs and trace.
        path: of the figure; its suffix decides the format (svg, pdf, png).
        game: the game whose runs are drawn.
        measure: a measure of the trace.
        optimizers: the optimizers that are drawn; empty: all.

    Raises:
        InputError: there is nothing to draw.
    """
    wanted = f"game == {game!r}" + (f" and optimizer in {list(optimizers)!r}" if optimizers else "")
    runs = tables.runs.query(wanted)[["cell", "context", "optimizer", "optimizer_parameters", "game_parameters"]]
    points = tables.trace.query(f"measure == {measure!r} and answer == 'last'").merge(runs, on=["cell", "context"])
    if points.empty:
        raise InputError(f"no {measure} of {', '.join(optimizers) or 'any optimizer'} on {game} to draw")
    points = points.assign(cost=points["gradients"] + 2 * points["products"])
    logarithmic = measure_direction(measure) == "lower"  # distances shrink by factors; counts and fractions do not
    if logarithmic:
        points["value"] = points["value"].clip(lower=_SMALLEST)
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        axes = figure.subplots()
        for name, style in line_styles(list(dict.fromkeys(runs["optimizer"]))).items():
            lines = points.query(f"optimizer == {name!r}").groupby(["optimizer_parameters", "game_parameters"])
            for k, (_, line) in enumerate(lines):
                _band(axes, line, name if k == 0 else "_nolegend_", style)
        axes.set(xscale="log", yscale="log" if logarithmic else "linear", title=game)
        axes.set(xlabel="cost (gradients + 2 products)", ylabel=measure.replace("_", " "))
        axes.set_xlim(left=max(1.0, float(points["cost"].to_numpy().max()) * _SHOWN_OF_COST))
        axes.legend(fontsize=7)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    return path


def _band(axes: Axes, points: pd.DataFrame, label: str, style: dict[str, Any]) -> None:
    values = points.groupby("cost")["value"]
    low, median, high = (values.quantile(q) for q in (0.25, 0.5, 0.75))
    cost = median.index.to_numpy()
    (line,) = axes.plot(cost, median.to_numpy(), label=label, color=style["color"], linewidth=1.3)
    if style["dashes"]:
        line.set_dashes(style["dashes"])
    axes.fill_between(cost, low.to_numpy(), high.to_numpy(), color=style["color"], alpha=0.15, linewidth=0)
