"""Phase portraits: the flow of a game of two numbers, trajectories, the equilibrium and its kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from saddlebench.results.figures.style import CONTEXT, line_styles

_WEAKEST = 1e-3  # of the strongest flow: the colour scale begins here


@dataclass(frozen=True)
class Portrait:
    """What is drawn.

    Attributes:
        game: its name.
        players: their names, of the two axes.
        x: ``(columns,)`` of the grid.
        y: ``(rows,)``.
        flow: ``(rows, columns, 2)``, −v.
        trajectories: each with its optimizer's label, ``(points, 2)``.
        equilibrium: ``(2,)``, or None.
        kind: of fixed point, or None.
    """

    game: str
    players: Sequence[str]
    x: np.ndarray
    y: np.ndarray
    flow: np.ndarray
    trajectories: Sequence[tuple[str, np.ndarray]]
    equilibrium: np.ndarray | None
    kind: str | None


def phase_portrait(portrait: Portrait, path: Path) -> Path:
    """Draw unit arrows of the flow, coloured by its norm, and over them a line a trajectory, from a ring at its start.

    Args:
        portrait: what is drawn.
        path: of the figure; its suffix decides the format (svg, pdf, png).
    """
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(4.8, 4.2), layout="compressed")
        axes = figure.subplots()
        axes.grid(False)
        strength = np.linalg.norm(portrait.flow, axis=-1)
        strongest = float(np.nanmax(strength, initial=0.0)) or 1.0
        shown = np.maximum(strength, _WEAKEST * strongest)
        unit = portrait.flow / np.where(strength > 0, strength, 1.0)[..., None]
        scale = LogNorm(max(float(shown.min()), _WEAKEST * strongest) * 0.999, strongest * 1.001)
        more = {"pivot": "mid", "scale": len(portrait.x) * 1.25, "width": 0.0028, "cmap": "BuPu", "norm": scale, "alpha": 0.75}
        arrows = axes.quiver(portrait.x, portrait.y, unit[..., 0], unit[..., 1], shown, **more)
        figure.colorbar(arrows, ax=axes, label="norm of the field", shrink=0.8)
        styles = line_styles(list(dict.fromkeys(label for label, _ in portrait.trajectories)))
        for label, points in portrait.trajectories:
            (line,) = axes.plot(points[:, 0], points[:, 1], color=styles[label]["color"], linewidth=1.2)
            if styles[label]["dashes"]:
                line.set_dashes(styles[label]["dashes"])
            axes.plot(*points[0], marker="o", markersize=4, color=styles[label]["color"], markerfacecolor="white")
        if portrait.equilibrium is not None:
            axes.plot(*portrait.equilibrium, marker="*", markersize=9, color="black", markeredgecolor="white", linestyle="")
        axes.set(xlim=(portrait.x[0], portrait.x[-1]), ylim=(portrait.y[0], portrait.y[-1]))
        axes.set_aspect("equal", adjustable="box")
        axes.set(xlabel=portrait.players[0], ylabel=portrait.players[1])
        axes.set_title(portrait.game + (f": {portrait.kind}" if portrait.kind else ""))
        if styles:
            handles = [Line2D([], [], color=s["color"], dashes=s["dashes"] or (None, None), label=n) for n, s in styles.items()]
            figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=7)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)
    return path
