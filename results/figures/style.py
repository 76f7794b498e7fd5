"""One style for all figures: colour-blind-safe, small enough for a column, text that stays text in SVG and PDF."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito's palette, which people with any common colour blindness can tell apart, without its yellow: too pale for a line.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("", (4, 1.5), (1, 1), (3, 1, 1, 1), (6, 2))

CONTEXT: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "saddlebench",  # the same figure is the same file
    "pdf.fonttype": 42,
}


def line_styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A colour and a dash pattern a name: past seven names colours repeat, but no pair of colour and dash does."""
    return {
        name: {"color": COLOURS[k % len(COLOURS)], "dashes": _DASHES[k // len(COLOURS) % len(_DASHES)]}
        for k, name in enumerate(names)
    }


_INSIDE = 8  # names that a legend holds within the axes
_IN_A_COLUMN = 20
_COLUMN_INCHES = 2.1


def legend(figure: Figure, axes: Axes) -> None:
    """The legend of ``axes``: within them if it is short, else to the right of them, for which the figure is widened."""
    names = axes.get_legend_handles_labels()[1]
    if not names:
        return
    if len(names) <= _INSIDE:
        axes.legend(fontsize=7)
        return
    columns = math.ceil(len(names) / _IN_A_COLUMN)
    figure.set_figwidth(figure.get_figwidth() + columns * _COLUMN_INCHES)
    figure.legend(loc="outside right upper", ncols=columns, fontsize=6)


def saved(figure: Figure, path: Path) -> Path:
    """The figure written to ``path`` in the format of its suffix, the same bytes for the same figure; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
    figure.savefig(path, dpi=200, metadata=metadata)
    return path
