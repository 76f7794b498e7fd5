"""A column of a table as points with their intervals: interquartile means, medians, ranks, success rates, average runtimes."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from saddlebench.errors import InputError
from saddlebench.results.figures.style import COLOURS, CONTEXT, saved
from saddlebench.results.tables import Table

_ROW_INCHES = 0.19
_LETTER_INCHES = 0.065
_SMALLEST = 1e-16  # distances below are drawn here: rounding, on a logarithmic axis


def interval_figure(table: Table, path: Path) -> Path:
    """Draw each row's entries, best at the top, a panel a column; an arrow at the edge is an infinite value or end.

    Args:
        table: of `saddlebench.results.tables.tabulate`.
        path: of the figure.

    Raises:
        InputError: no entry is a finite number.
    """
    panels = [column for column in table.columns if any(np.isfinite(e.value) for (_, c), e in table.entries.items() if c == column)]
    if not panels:
        raise InputError(f"no {table.statistic} of {table.measure} is a finite number: there is nothing to draw")
    sign = -1.0 if table.better == "higher" else 1.0

    def order(row: str) -> float:
        values = [sign * e.value for c in panels if (e := table.entries.get((row, c))) and e.n]
        return float(np.mean(values)) if values else np.inf

    rows = sorted((r for r in table.rows if any((e := table.entries.get((r, c))) and e.n for c in panels)), key=order)
    with mpl.rc_context(CONTEXT):
        width = 2.3 * len(panels) + _LETTER_INCHES * max(map(len, rows)) + 0.3
        figure = Figure(figsize=(width, 0.9 + _ROW_INCHES * len(rows)), layout="constrained")
        for axes, column in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
            there = [(k, e) for k, row in enumerate(rows) if (e := table.entries.get((row, column))) and e.n]
            ends = np.array([[e.value, e.low, e.high] for _, e in there])
            if table.better == "lower" and table.statistic != "rank":
                ends = np.maximum(ends, _SMALLEST)
            finite = ends[np.isfinite(ends)]
            logarithmic = finite.min() > 0 and finite.max() > 100 * finite.min() and table.statistic not in ("rank", "success")
            if logarithmic:
                axes.set_xscale("log")
            right = finite.max() * 3 if logarithmic else finite.max() + 0.05 * (np.ptp(finite) or 1)
            for (k, entry), drawn in zip(there, ends, strict=True):
                value, low, high = np.minimum(drawn, right)  # NaN, of no interval, stays
                axes.plot([low, high], [k, k], color=COLOURS[0], alpha=0.4, linewidth=4, solid_capstyle="butt")
                lost = not np.isfinite(entry.value)
                axes.plot(value, k, marker=">" if lost else "o", markersize=4, color="0.5" if lost else COLOURS[0], linestyle="")
            axes.set(title=column, xlabel=f"{table.statistic} of {table.measure}" if table.statistic != "rank" else "mean rank")
            axes.set(yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.5, -0.5))
            axes.tick_params(axis="y", length=0)
        return saved(figure, path)
