"""What it costs to get there: ECDF over targets, and performance profiles against a pinned reference.

A game that an optimizer does not apply to is one that it does not solve: else whoever plays only the easy games would win.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlebench.errors import InputError, unknown
from saddlebench.results.figures.style import CONTEXT, legend, line_styles, saved
from saddlebench.results.selecting import names_of
from saddlebench.results.statistics import ecdf, performance_profiles
from saddlebench.results.summary import Defaults
from saddlebench.results.targets import reached_targets

_LARGEST_FACTOR = 1e3
_POINTS = 400


def cost_by_problem(runs: pd.DataFrame, trace: pd.DataFrame, defaults: Defaults) -> pd.DataFrame:
    """The cost of each optimizer (columns) to each (game, seed, measure, level); infinite where it never got there.

    Raises:
        InputError: no game of these runs has a target, or an optimizer has two runs of one game and seed (of two budgets, say).
    """
    played: Any = runs[(runs["status"] != "not_applicable").to_numpy()].reset_index(drop=True)
    label = pd.Series(names_of(played, "optimizer", defaults))
    parts = []
    for one in reached_targets(played, trace, defaults):
        played_here: Any = one.runs
        at = played_here.index
        keys = played_here[["game", "game_parameters", "seed"]].assign(measure=one.wanted.measure, optimizer=label.to_numpy()[at])
        costs = pd.DataFrame(one.cost, index=pd.MultiIndex.from_frame(keys))
        if costs.index.has_duplicates:
            twice = costs.index[costs.index.duplicated()][0]
            raise InputError(f"{twice[-1]} has several runs of {twice[0]}, seed {twice[2]}: choose with --filter budget=…, track=…")
        parts.append(costs.unstack("optimizer").stack(0, future_stack=True))
    if not parts:
        raise InputError("no game of these runs has a distance, a gap or pinned targets (saddlebench targets)")
    names = list(dict.fromkeys(label))
    return pd.concat(parts).reindex(columns=names).fillna(np.inf)


def ecdf_figure(costs: pd.DataFrame, path: Path, title: str = "") -> Path:
    """Draw the share of targets that each optimizer has reached at no more than a cost, all problems pooled.

    Args:
        costs: of `cost_by_problem`.
        path: of the figure.
        title: above it.
    """
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        axes = figure.subplots()
        matrix = costs.to_numpy()
        finite = matrix[np.isfinite(matrix) & (matrix > 0)]
        at = np.geomspace(max(1.0, finite.min()), finite.max() * 1.05, _POINTS) if len(finite) else np.array([1.0, 10.0])
        curves = [(str(name), ecdf(costs[name].to_numpy(), at)) for name in costs]
        _steps(axes, at, curves)
        axes.set(xlabel="cost (gradients + 2 products)", ylabel="share of (run, target) pairs reached", title=title)
        legend(figure, axes)
        return saved(figure, path)


def profile_figure(costs: pd.DataFrame, path: Path, reference: str, title: str = "") -> Path:
    """Draw the share of problems that each optimizer solves within a factor of the reference's cost.

    Args:
        costs: of `cost_by_problem`.
        path: of the figure.
        reference: one of its columns.
        title: above it.

    Raises:
        InputError: the reference is none of them.
    """
    if reference not in costs:
        raise unknown("reference", reference, [str(name) for name in costs])
    at = np.geomspace(1 / _LARGEST_FACTOR, _LARGEST_FACTOR, _POINTS + 1)
    found = performance_profiles({name: costs[name].to_numpy() for name in costs}, reference, at)
    moving = np.flatnonzero(np.ptp(np.stack([np.gradient(curve) for curve in found.values()]), axis=0) > 0)
    shown = slice(max(0, moving[0] - 15), moving[-1] + 15) if len(moving) else slice(None)
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        axes = figure.subplots()
        axes.axvline(1, color="0.6", linewidth=0.8)
        _steps(axes, at[shown], [(str(name), curve[shown]) for name, curve in found.items()])
        axes.set(xlabel=f"factor τ of the cost of {reference}", ylabel="share of problems solved within τ", title=title)
        legend(figure, axes)
        return saved(figure, path)


def _steps(axes: Axes, at: np.ndarray, curves: Iterable[tuple[str, np.ndarray]]) -> None:
    """The curves, the best at the end first, so that the legend has their order."""
    ordered = sorted(curves, key=lambda one: -one[1].mean())
    styles = line_styles(sorted(name for name, _ in ordered))
    for name, curve in ordered:
        (line,) = axes.plot(at, curve, label=name, color=styles[name]["color"], linewidth=1.3, drawstyle="steps-post")
        if styles[name]["dashes"]:
            line.set_dashes(styles[name]["dashes"])
    axes.set(xscale="log", ylim=(-0.02, 1.02), xlim=(at[0], at[-1]))
