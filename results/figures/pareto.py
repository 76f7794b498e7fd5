"""A measure at the end against seconds of stepping, with the Pareto front: what no other optimizer betters in both."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from saddlebench.errors import InputError
from saddlebench.results.figures.style import COLOURS, CONTEXT, legend, saved
from saddlebench.results.measured import Measured
from saddlebench.results.statistics import median

_MARKERS = "osD^vP*Xp<>h"


def pareto_front(seconds: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The points that no other betters in one and equals in the other; smaller is better, infinite points are on no front."""
    s, v = np.asarray(seconds, dtype=float), np.asarray(values, dtype=float)
    no_worse = (s[None, :] <= s[:, None]) & (v[None, :] <= v[:, None])
    better = (s[None, :] < s[:, None]) | (v[None, :] < v[:, None])
    return ~(no_worse & better).any(axis=1) & np.isfinite(s) & np.isfinite(v)


def pareto_figure(runs: pd.DataFrame, found: Measured, names: np.ndarray, path: Path, title: str = "") -> Path:
    """Draw the median of each name with its middle half, and the front through the best.

    Args:
        runs: rows of the table `runs`.
        found: the measure of each.
        names: of each run, the point that it belongs to.
        path: of the figure.
        title: above it.

    Raises:
        InputError: the measure has no better direction, or no run that ran alone has it.
    """
    if found.better is None:
        raise InputError(f"{found.name} has no better direction: there is no front")
    sign = 1.0 if found.better == "lower" else -1.0
    seconds = runs["seconds"].to_numpy(dtype=float, na_value=np.nan)
    there = np.isfinite(seconds) & ~np.isnan(found.values)
    if not there.any():
        raise InputError(f"no run that ran alone has {found.name}: seconds are measured with saddlebench run --timing")
    shown = list(dict.fromkeys(names[there]))
    parts = [(seconds[there & (names == name)], sign * found.values[there & (names == name)]) for name in shown]
    centres = np.array([[float(median(s)), float(median(v))] for s, v in parts])
    front = pareto_front(centres[:, 0], centres[:, 1])
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        axes = figure.subplots()
        for k, (name, (s, v), (x, y)) in enumerate(zip(shown, parts, centres, strict=True)):
            if not np.isfinite(y):
                continue
            colour = COLOURS[k % len(COLOURS)]
            spread = [np.quantile(values, [0.25, 0.75], method="nearest") for values in (s, v)]
            axes.plot(spread[0], [sign * y] * 2, color=colour, linewidth=0.9)
            axes.plot([x, x], sign * np.where(np.isfinite(spread[1]), spread[1], y), color=colour, linewidth=0.9)
            axes.plot(x, sign * y, marker=_MARKERS[k % len(_MARKERS)], color=colour, markersize=5, linestyle="", label=name)
        along = centres[front][np.argsort(centres[front][:, 0])]
        line = {"color": "0.4", "linewidth": 1, "linestyle": ":", "drawstyle": "steps-post", "zorder": 1}
        axes.plot(along[:, 0], sign * along[:, 1], label="Pareto front", **line)
        axes.set(xlabel="seconds of stepping", ylabel=f"{found.name.replace('_', ' ')} ({found.better} is better)", title=title)
        finite = centres[np.isfinite(centres).all(axis=1)]
        if len(finite) and finite[:, 0].max() > 20 * finite[:, 0].min():
            axes.set_xscale("log")
        if found.better == "lower" and len(finite) and finite[:, 1].min() > 0 and finite[:, 1].max() > 100 * finite[:, 1].min():
            axes.set_yscale("log")
        legend(figure, axes)
        return saved(figure, path)
