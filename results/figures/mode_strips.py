"""Mode coverage over steps: a strip a seed, a panel an optimizer, the darker the more modes."""

import math
import textwrap
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from saddlebench.errors import InputError
from saddlebench.results.figures.style import CONTEXT, saved
from saddlebench.results.points import points

_COLUMNS = 3
_TITLE = 36  # characters of a line of a panel's title


def mode_strips(
    runs: pd.DataFrame, trace: pd.DataFrame, names: np.ndarray, path: Path, measure: str = "modes_covered", title: str = ""
) -> Path:
    """Draw a count over steps, from each checkpoint to the next.

    Args:
        runs: rows of the table `runs`.
        trace: the table `trace`.
        names: of each run, the panel that it belongs to.
        path: of the figure.
        measure: a measure that counts.
        title: above it.

    Raises:
        InputError: no run has the measure.
    """
    table = points(runs, trace, measure)
    if table.empty:
        raise InputError(f"no {measure} to draw: mixtures of Gaussians have it")
    shown = list(dict.fromkeys(names[np.unique(table["run"])]))
    most = max(1, math.ceil(np.nanmax(table["value"].to_numpy())))
    norm = BoundaryNorm(np.arange(-0.5, most + 1), 256)
    colours = colormaps["cividis_r"]
    columns = min(_COLUMNS, len(shown))
    lines = math.ceil(len(shown) / columns)
    seeds = runs["seed"].to_numpy()
    tallest = max(int((names == name).sum()) for name in shown)
    with mpl.rc_context({**CONTEXT, "axes.grid": False}):
        figure = Figure(figsize=(2.5 * columns + 0.9, lines * (0.75 + 0.14 * tallest) + 0.5), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        image = None
        for axes in panels[len(shown) :]:
            axes.set_axis_off()
        for axes, name in zip(panels, shown, strict=False):
            own = sorted(np.flatnonzero(names == name), key=lambda run: seeds[run])
            counts = table[table["run"].isin(own)].pivot(index="run", columns="step", values="value").reindex(own)
            steps = counts.columns.to_numpy(dtype=float)
            edges = np.append(steps, steps[-1] + (steps[-1] - steps[-2] if len(steps) > 1 else 1.0))
            image = axes.pcolormesh(edges, np.arange(len(own) + 1), counts.to_numpy(), cmap=colours, norm=norm, rasterized=True)
            axes.set_title("\n".join(textwrap.wrap(name, _TITLE)), fontsize=7)
            axes.set(yticks=np.arange(len(own)) + 0.5, yticklabels=[str(seeds[run]) for run in own], xlabel="step", ylabel="seed")
            axes.tick_params(labelsize=6)
            axes.invert_yaxis()
        assert image is not None, "points have runs"
        ticks = np.unique(np.linspace(0, most, min(most, 8) + 1).astype(int))
        figure.colorbar(image, ax=list(panels), label=measure.replace("_", " "), ticks=ticks, shrink=0.9)
        figure.suptitle(title, fontsize=9)
        return saved(figure, path)
