"""Labelled sets of points in the plane: domains, translations, data beside what a generator makes of it."""

from collections.abc import Mapping
from typing import IO, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from saddlebench.results.figures.style import COLOURS, CONTEXT


def clouds(sets: Mapping[str, np.ndarray], file: IO[Any], title: str = "", told: Mapping[str, str] | None = None) -> None:
    """Draw each set in a colour of its own, in the order given, later ones above; points that are not finite are left out.
    Those of a small set are large.

    Args:
        sets: label → points ``(n, 2)``.
        file: the PNG file's, open for writing.
        title: above it.
        told: texts that the file holds, keyword → text.
    """
    points, labels = np.concatenate(list(sets.values())), np.repeat(list(sets), [len(points) for points in sets.values()])
    kept = np.isfinite(points).all(axis=1)
    table = pd.DataFrame({"x": points[kept, 0], "y": points[kept, 1], "set": labels[kept]})
    with mpl.rc_context({**CONTEXT, "axes.grid": False}):
        figure = Figure(figsize=(3.6, 3.6), layout="constrained")
        axes = figure.subplots()
        colours = {label: COLOURS[k % len(COLOURS)] for k, label in enumerate(sets)}
        sizes = {label: float(np.clip(3000 / max(1, len(points)), 6, 25)) for label, points in sets.items()}
        look = {"hue_order": list(sets), "palette": colours, "sizes": sizes, "size_order": list(sets)}
        sns.scatterplot(table, x="x", y="y", hue="set", size="set", **look, alpha=0.5, linewidth=0, ax=axes)
        axes.set(xlabel="", ylabel="")
        axes.set_title(title, fontsize=8)
        axes.set_aspect("equal", "datalim")
        if axes.get_legend() is not None:
            sns.move_legend(axes, "best", title=None, fontsize=7, markerscale=2)
        figure.savefig(file, format="png", dpi=150, metadata=dict(told or {}))
