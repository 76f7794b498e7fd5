"""What `saddlebench map` does once its options are read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.bench.best_point import best_on_grid, refined, rows_of
from saddlebench.bench.build import build
from saddlebench.bench.cli.defaults import name_with_parameters
from saddlebench.bench.cli.mapping import FIGURES, Request
from saddlebench.bench.cli.options import specs
from saddlebench.bench.cli.output import Format, Row, counted, print_table, say
from saddlebench.bench.cli.progress import progress
from saddlebench.bench.predictions import best_prediction
from saddlebench.bench.stability_map import stability_map
from saddlebench.errors import InputError
from saddlebench.results.schema import STATUSES


def survey(request: Request) -> None:
    """Make the map, write what was asked, and print its best point or all of it."""
    game = build("game", specs("game", [request.game], request.given))
    optimizer = build("optimizer", specs("optimizer", [request.optimizer], request.given))
    x, *y = [{name: values} for name, values in request.axes.items()]
    points = 1
    for values in request.axes.values():
        points *= len(values)
    with progress(points) as shown:
        frame = stability_map(
            game,
            optimizer,
            x,
            *y,
            steps=request.steps,
            tolerance=request.tolerance,
            seed=request.seed,
            progress=shown,
        )
    theory = best_prediction(game, optimizer, list(request.axes))
    rows: list[Row] = [_grid_row(frame)]
    if request.refine:
        better = refined(game, optimizer, frame)
        rows += [] if better is None else [{"point": "refined", **better.values, "radius": better.radius, "rate": better.rate}]
    if theory is not None:
        rows.append({"point": "theory", **theory.values, "radius": theory.radius, "rate": theory.radius})
    for path in request.outs:
        _write(frame, path, {str(row["point"]): row for row in rows})
    if request.form is not Format.table:
        print_table(rows_of(frame), list(frame.columns), request.form)
    else:
        _report(frame, rows, theory.text if theory else None)


def _grid_row(frame: pd.DataFrame) -> dict[str, Any]:
    best = best_on_grid(frame)
    return {"point": "best on the grid", **{name: best[name] for name in best if name not in ("raw_radius", "period", "reason")}}


def _report(frame: pd.DataFrame, rows: list[Row], text: str | None) -> None:
    made = {str(key): value for key, value in frame.attrs.items()}
    counts = frame["status"].value_counts()
    told = ", ".join(f"{counts[s]:,} {s}" for s in STATUSES if s in counts)
    game, optimizer = (name_with_parameters(kind, made) for kind in ("game", "optimizer"))
    say(f"{optimizer} on {game}: {counted(len(frame), 'point')}, {made['steps']} steps: {told}")
    for reason, points in frame["reason"].value_counts().items():
        where = "any point" if points == len(frame) else counted(int(points), "point")
        say(f"no radius at {where}: {str(reason).partition('; use --at')[0]}")  # what `spectrum` offers in its place
    rate = frame["rate"].to_numpy(dtype=float)
    if not np.isnan(rate).all():
        say(f"the radius is below 1 at {counted(int((rate < 1).sum()), 'point')}")
    final = next(c for c in frame.columns if c.startswith("final_"))
    columns = ["point", *made["axes"], "radius", "rate", "status", "steps_to_tolerance", final]
    if set(frame["period"]) == {1}:  # then the rate is the radius
        columns.remove("rate")
    print_table(rows, [c for c in columns if any(not _missing(row.get(c)) for row in rows)], "table")
    if text:
        say(f"theory: {text}")


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _write(frame: pd.DataFrame, path: Path, points: Mapping[str, Any]) -> None:
    """A figure or a table.

    Raises:
        InputError: the place cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in FIGURES:
            from saddlebench.results.figures.stability_map import stability_map as draw

            marks = {label: {name: float(row[name]) for name in frame.attrs["axes"]} for label, row in points.items()}
            draw(frame, path, marks)
        elif path.suffix == ".csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path, index=False)
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror or error})") from error
    say(f"wrote {path}")
