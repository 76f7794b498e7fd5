"""Spectra in the complex plane: at the equilibrium, and along training in ever darker shades."""

import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from saddlebench.errors import InputError
from saddlebench.results.figures.style import CONTEXT
from saddlebench.results.store import Tables

_COLUMNS = 3
_MARGIN = 0.1


def spectrum_plane(tables: Tables, path: Path, game: str, optimizers: tuple[str, ...] = (), operator: str = "step") -> Path:
    """Draw the eigenvalues of a game's runs, a panel an optimizer; all its runs stand in one panel.

    Args:
        tables: runs and spectrum.
        path: of the figure; its suffix decides the format (svg, pdf, png).
        game: the game whose spectra are drawn.
        optimizers: the optimizers that are drawn; empty: all.
        operator: ``"step"``, with the unit circle, or ``"game"``, with the imaginary axis.

    Raises:
        InputError: there is nothing to draw.
    """
    wanted = tables.runs["game"] == game
    if optimizers:
        wanted &= tables.runs["optimizer"].isin(optimizers)
    spectrum = tables.spectrum
    # Where null directions are left out their eigenvalues stand a second time, with no mass.
    values = spectrum[(spectrum["operator"] == operator) & (spectrum["mass"] != "[]")]
    values = values.merge(tables.runs.loc[wanted, ["cell", "context", "optimizer"]], on=["cell", "context"])
    if values.empty:
        who = ", ".join(optimizers) or "any optimizer"
        raise InputError(f"no spectrum of {who} on {game} to draw: run it with --spectrum equilibrium, or --spectrum 0, 100, final")
    names = list(dict.fromkeys(values["optimizer"]))
    columns = min(_COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    shades = _shades(values["point"].tolist())
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(2.7 * columns + 0.4, 2.6 * rows + 0.5), layout="compressed")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in panels[len(names) :]:
            axes.set_axis_off()
        for axes, name in zip(panels, names, strict=False):
            _panel(axes, values.query(f"optimizer == {name!r}"), shades, operator)
            axes.set_title(name)
        what = "the step" if operator == "step" else "the Jacobian ∂v/∂w"
        figure.suptitle(f"{game}: eigenvalues of {what}\n", fontsize=9)  # the empty line keeps it off the panels' titles
        handles = {
            text: handle for axes in panels[: len(names)] for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        order = [text for text in (_label(point) for point in shades) if text in handles]
        figure.legend([handles[t] for t in order], order, loc="outside lower center", ncols=min(5, len(order)), fontsize=7)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)
    return path


def _shades(points: list[str]) -> dict[str, tuple[float, ...]]:
    """A colour a checkpoint, the later the darker; the equilibrium last, so that it lies on top."""
    steps = sorted({int(p.removeprefix("step:")) for p in points if p != "equilibrium"})
    colours = colormaps["viridis_r"](np.linspace(0.1, 1, len(steps)) if len(steps) > 1 else [0.6])
    found = {f"step:{step}": tuple(colour) for step, colour in zip(steps, colours, strict=True)}
    return found | ({"equilibrium": (0.835, 0.369, 0.0, 1.0)} if "equilibrium" in points else {})


def _label(point: str) -> str:
    return point.replace("step:", "step ")


def _panel(axes: Axes, values: pd.DataFrame, shades: dict[str, tuple[float, ...]], operator: str) -> None:
    if operator == "step":
        axes.add_patch(Circle((0, 0), 1, fill=False, color="0.35", linewidth=0.9))
    else:
        axes.axvline(0, color="0.35", linewidth=0.9)
    for point, colour in shades.items():
        here = values[values["point"] == point]
        if len(here):
            rest = point == "equilibrium"
            marks = {"marker": "x", "markersize": 5} if rest else {"marker": "o", "markersize": 3.5, "markeredgewidth": 0}
            axes.plot(here["re"], here["im"], linestyle="", color=colour, label=_label(point), zorder=3 if rest else 2, **marks)
    re, im = values["re"].to_numpy(), values["im"].to_numpy()
    if operator == "step":
        re, im = np.append(re, (-1.0, 1.0)), np.append(im, (-1.0, 1.0))
    else:
        re = np.append(re, 0.0)
    half = (1 + _MARGIN) * max(np.ptp(re), np.ptp(im)) / 2 or 1.0
    across, up = (re.max() + re.min()) / 2, (im.max() + im.min()) / 2
    axes.set(xlim=(across - half, across + half), ylim=(up - half, up + half), xlabel="real", ylabel="imaginary")
    axes.set_aspect("equal")
