"""One style for all figures: colour-blind-safe, small enough for a column, text that stays text in SVG and PDF."""

from collections.abc import Sequence
from typing import Any

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
