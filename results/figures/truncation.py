"""Truncation curves: one measure against another over thresholds of the latent."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from saddlebench.errors import InputError
from saddlebench.results.figures.style import CONTEXT, legend, line_styles, saved

Curve = Mapping[float, tuple[float, float]]
"""Threshold (infinite: without truncation) → the two measures."""


def truncation_figure(curves: Mapping[str, Curve], path: Path, x: str, y: str, title: str = "") -> Path:
    """Draw a line a curve, a point a threshold; the ends of each are named.

    Args:
        curves: name → curve.
        path: of the figure.
        x: what stands on the horizontal axis.
        y: on the vertical one.
        title: above it.

    Raises:
        InputError: no curve has two finite points.
    """
    lines = {
        name: [(t, *curve[t]) for t in sorted(curve, reverse=True) if np.isfinite(curve[t]).all()] for name, curve in curves.items()
    }
    if not any(len(points) > 1 for points in lines.values()):
        raise InputError(f"no truncation curve: {x} and {y} are finite at fewer than two thresholds")
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(4.6, 3.4), layout="constrained")
        axes = figure.subplots()
        for (name, points), style in zip(lines.items(), line_styles(list(lines)).values(), strict=True):
            axes.plot([p[1] for p in points], [p[2] for p in points], marker="o", markersize=3, label=name, color=style["color"])
            for t, px, py in (points[0], points[-1]) if points else ():
                text = "∞" if np.isinf(t) else f"{t:g}"
                axes.annotate(text, (px, py), textcoords="offset points", xytext=(4, 3), fontsize=6)
        axes.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "), title=title)
        legend(figure, axes)
        return saved(figure, path)
