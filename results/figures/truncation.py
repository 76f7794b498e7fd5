"""Truncation curves: one measure against another over thresholds, from measures named ``NAME@threshold``."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from saddlebench.errors import InputError
from saddlebench.results.figures.style import CONTEXT, legend, line_styles, saved
from saddlebench.results.measured import measured
from saddlebench.results.statistics import median


def thresholds(known: set[str], measure: str) -> dict[float, str]:
    """threshold → the measure's name at it, from the largest."""
    found = {float(m[1]): name for name in known if (m := re.fullmatch(rf"{re.escape(measure)}@(\d+(?:\.\d+)?)", name))}
    return dict(sorted(found.items(), reverse=True))


def truncation_figure(
    runs: pd.DataFrame, known: set[str], names: np.ndarray, path: Path, x: str = "inception_score", y: str = "fid", title: str = ""
) -> Path:
    """Draw, for each name, the medians over runs of ``y`` against ``x``, a point a threshold of the latent's truncation.

    Args:
        runs: rows of the table `runs`.
        known: the names of all measures there are.
        names: of each run, the line that it belongs to.
        path: of the figure.
        x: a measure that is there as ``x@threshold``.
        y: another, at the same thresholds.
        title: above it.

    Raises:
        InputError: fewer than two thresholds have both.
    """
    across, up = thresholds(known, x), thresholds(known, y)
    both = [t for t in across if t in up]
    if len(both) < 2:
        raise InputError(f"no truncation curve: these results have no measures {x}@THRESHOLD and {y}@THRESHOLD at two thresholds")
    values = {t: (measured(runs, across[t]).values, measured(runs, up[t]).values) for t in both}
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(4.6, 3.4), layout="constrained")
        axes = figure.subplots()
        for name, style in line_styles(list(dict.fromkeys(names))).items():
            own = {t: [v[names == name] for v in pair] for t, pair in values.items()}
            line = np.array([[float(median(v[~np.isnan(v)])) for v in pair] for pair in own.values()])
            if not np.isfinite(line).all(axis=1).any():
                continue
            axes.plot(line[:, 0], line[:, 1], marker="o", markersize=3, label=name, color=style["color"])
            for t, (px, py) in zip(both, line, strict=True):
                if t in (both[0], both[-1]) and np.isfinite([px, py]).all():
                    axes.annotate(f"{t:g}", (px, py), textcoords="offset points", xytext=(4, 3), fontsize=6)
        axes.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "), title=title)
        legend(figure, axes)
        return saved(figure, path)
