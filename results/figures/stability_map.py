"""Stability maps: spectral radius, verdicts and steps to tolerance over one or two hyperparameters."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from saddlebench.results.figures.style import COLOURS, CONTEXT
from saddlebench.results.schema import STATUSES

_LARGEST = 1.5  # radii above are drawn as this one
_SMALLEST_SPAN = 1e-3  # of the scale on either side of 1
_EVEN = 1e-6  # spread of the logarithms' differences of values spaced by factors
_DPI = 150  # of the coloured fields, which are pixels in SVG and PDF too: ten thousand rectangles are too slow to read
_STATUS_COLOURS = {
    "converged": "#009E73",
    "cycling": "#F0E442",
    "budget": "#BBBBBB",
    "diverged": "#D55E00",
}


def stability_map(frame: pd.DataFrame, path: Path, marks: dict[str, dict[str, float]] | None = None) -> Path:
    """Draw a map as `saddlebench.bench.stability_map` makes it.

    Two hyperparameters: a field each of the rate (blue converges, red diverges, with the line at 1), of the verdict and of the
    steps to tolerance. One: the rate and the steps as lines.

    Args:
        frame: the map, with its ``attrs``.
        path: of the figure; its suffix decides the format (svg, pdf, png).
        marks: label → hyperparameters of points to mark: the best one, theory's.
    """
    names: list[str] = frame.attrs["axes"]
    with mpl.rc_context({**CONTEXT, "axes.grid": len(names) == 1}):
        figure = _lines(frame, names[0]) if len(names) == 1 else _fields(frame, names)
        panels = [axes for axes in figure.axes if axes.get_label() == "panel"]
        for k, (label, values) in enumerate((marks or {}).items()):
            for axes in panels:
                _mark(axes, frame, [values[name] for name in names], label, k)
        if marks:
            handles, labels = panels[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), fontsize=7)
        title = f"{frame.attrs['optimizer']} on {frame.attrs['game']}, {frame.attrs['steps']} steps"
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DPI, metadata={"Date": None} if path.suffix == ".svg" else None)
    return path


def _fields(frame: pd.DataFrame, names: list[str]) -> Figure:
    """Panels side by side; that of the rate is left out where no point has a spectrum."""
    with_rate = bool(frame["rate"].notna().any())
    count = 3 if with_rate else 2
    figure = Figure(figsize=(2.9 * count, 2.9), layout="constrained")
    panels = list(figure.subplots(1, count, sharey=True, squeeze=False)[0])
    x, y = (np.unique(frame[name]) for name in names)

    def table(column: str) -> np.ndarray:
        return frame.pivot(index=names[1], columns=names[0], values=column).to_numpy()

    for axes in panels:
        axes.set_label("panel")
        axes.set(xlabel=_words(names[0]))
        _ticks(axes, "x", x)
        _ticks(axes, "y", y)
    panels[0].set_ylabel(_words(names[1]))
    if with_rate:
        _rate(figure, panels.pop(0), x, y, table("rate").astype(float))
    _verdicts(panels[0], x, y, table("status"))
    _steps(figure, panels[1], x, y, table("steps_to_tolerance").astype(float), frame.attrs["tolerance"])
    return figure


def _rate(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, rate: np.ndarray) -> None:
    shown = np.minimum(rate, _LARGEST)
    low, high = float(np.nanmin(shown)), float(np.nanmax(shown))
    norm = TwoSlopeNorm(1.0, min(low, 1 - _SMALLEST_SPAN), max(high, 1 + _SMALLEST_SPAN))
    mesh = axes.pcolormesh(x, y, np.ma.masked_invalid(shown), cmap="RdBu_r", norm=norm, shading="nearest", rasterized=True)
    if min(rate.shape) > 1 and np.nanmin(rate) < 1 < np.nanmax(rate):
        finite = np.ma.masked_invalid(shown)
        axes.contour(x, y, finite, levels=[1.0], colors="black", linewidths=1.0)
    bar = figure.colorbar(mesh, ax=axes, extend="max" if np.nanmax(rate) > _LARGEST else "neither")
    ends = (float(norm.vmin or 0.0), float(norm.vmax or 2.0))
    inside = [np.linspace(ends[0], 1, 4)[1:-1], np.linspace(1, ends[1], 4)[1:-1]]
    bar.set_ticks([ends[0], *inside[0], 1.0, *inside[1], ends[1]])
    bar.ax.yaxis.set_major_formatter("{x:.2f}" if ends[1] - ends[0] > 0.1 else "{x:.4f}")
    axes.set_title("spectral radius, a step (line: 1)")


def _verdicts(axes: Axes, x: np.ndarray, y: np.ndarray, status: np.ndarray) -> None:
    colours = _status_colours(status.ravel())
    codes = np.vectorize(list(colours).index)(status)
    norm = BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours))
    axes.pcolormesh(x, y, codes, cmap=ListedColormap(list(colours.values())), norm=norm, shading="nearest", rasterized=True)
    _status_legend(axes, colours)
    axes.set_title("verdict")


def _status_colours(status: Iterable[str]) -> dict[str, str]:
    """Verdict → colour, of those that occur."""
    found = set(status)
    return {name: _STATUS_COLOURS.get(name, "#000000") for name in STATUSES if name in found}


def _status_legend(axes: Axes, colours: dict[str, str]) -> None:
    patches = [Patch(facecolor=colour, label=name) for name, colour in colours.items()]
    legend = axes.legend(handles=patches, fontsize=6, loc="upper right", frameon=True, framealpha=0.85, handlelength=1.2)
    axes.add_artist(legend)  # stays when another legend is made


def _steps(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, steps: np.ndarray, tolerance: float) -> None:
    """Never is white."""
    axes.set_title(f"steps to {tolerance:g} of the start")
    met = np.isfinite(steps)
    if not met.any():
        _never(axes)
        return
    values = np.ma.masked_where(~met, np.maximum(steps, 1))
    norm = LogNorm(float(values.min()), max(float(values.max()), float(values.min()) + 1))
    mesh = axes.pcolormesh(x, y, values, cmap="viridis_r", norm=norm, shading="nearest", rasterized=True)
    bar = figure.colorbar(mesh, ax=axes)
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    bar.ax.yaxis.set_major_formatter("{x:.0f}")
    bar.ax.yaxis.set_minor_locator(NullLocator())


def _never(axes: Axes) -> None:
    axes.text(0.5, 0.5, "never", transform=axes.transAxes, ha="center")
    axes.tick_params(axis="y", length=0, labelleft=False)


def _lines(frame: pd.DataFrame, name: str) -> Figure:
    """Rate and steps to tolerance over one hyperparameter, the verdict behind the steps."""
    with_rate = bool(frame["rate"].notna().any())
    figure = Figure(figsize=(4.6, 4.0 if with_rate else 2.6), layout="constrained")
    panels = list(figure.subplots(1 + with_rate, 1, sharex=True, squeeze=False)[:, 0])
    x = frame[name].to_numpy(dtype=float)
    for axes in panels:
        axes.set_label("panel")
        _ticks(axes, "x", x)
    panels[-1].set_xlabel(_words(name))
    if with_rate:
        panels[0].plot(x, frame["rate"], color=COLOURS[0], linewidth=1.3)
        panels[0].axhline(1.0, color="black", linewidth=0.8)
        panels[0].set_ylim(top=min(panels[0].get_ylim()[1], _LARGEST))
        panels[0].set_title("spectral radius, a step")
    below = panels[-1]
    edges = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
    colours = _status_colours(frame["status"])
    for k, status in enumerate(frame["status"]):
        below.axvspan(edges[k], edges[k + 1], color=colours[status], alpha=0.35, linewidth=0)
    below.plot(x, frame["steps_to_tolerance"].replace(np.inf, np.nan), color=COLOURS[0], linewidth=1.3)
    below.set_ylim(bottom=0)
    if not np.isfinite(frame["steps_to_tolerance"]).any():
        _never(below)
    below.set_title(f"steps to {frame.attrs['tolerance']:g} of the start, and the verdict")
    _status_legend(below, colours)
    return figure


def _mark(axes: Axes, frame: pd.DataFrame, at: list[float], label: str, k: int) -> None:
    """A point of a field, or a line across a plot over one hyperparameter; nothing outside the grid."""
    ranges = [(frame[name].min(), frame[name].max()) for name in frame.attrs["axes"]]
    inside = all(low <= value <= high for value, (low, high) in zip(at, ranges, strict=True))
    if len(at) == 1 and inside:
        axes.axvline(at[0], color="black", linestyle=("--", ":")[k % 2], linewidth=1.0, label=label)
    elif inside:
        style: dict[str, Any] = {"marker": ("o", "x", "+")[k % 3], "markersize": 6, "linestyle": "none"}
        axes.plot(*at, color="black", fillstyle="none", label=label, **style)


def _ticks(axes: Axes, which: str, values: np.ndarray) -> None:
    """A logarithmic scale where the values are spaced by factors, whole numbers at whole numbers."""
    if len(values) > 2 and values.min() > 0 and np.ptp(np.diff(np.log(values))) < _EVEN:
        axes.set(**{f"{which}scale": "log"})
    elif (values == np.round(values)).all():
        (axes.xaxis if which == "x" else axes.yaxis).set_major_locator(MaxNLocator(integer=True))


def _words(name: str) -> str:
    return name.replace("_", " ")
