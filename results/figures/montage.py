"""Sample grids: the pictures below DIR/samples of one game, a row an optimizer, a column a run."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from saddlebench.errors import InputError
from saddlebench.results.figures.style import CONTEXT, saved

_NAME = re.compile(r".+-(?P<cell>[0-9a-f]{8})-seed(?P<seed>\d+)")


def montage(runs: pd.DataFrame, names: np.ndarray, folder: Path, path: Path, most: int = 4, title: str = "") -> Path:
    """Draw the pictures of these runs.

    Args:
        runs: rows of the table `runs`.
        names: of each run, the row that it belongs to.
        folder: the results: pictures lie in ``folder/samples/GAME/OPTIMIZER-CELL-seedN.png``.
        path: of the figure.
        most: of pictures in a row, those of the lowest seeds.
        title: above it.

    Raises:
        InputError: there are no pictures of these runs.
    """
    named = dict(zip(runs["cell"].str[:8], names, strict=True))
    rows: dict[str, list[tuple[int, Path]]] = {}
    for file in sorted((folder / "samples").glob("*/*.png")):
        if (found := _NAME.fullmatch(file.stem)) and found["cell"] in named:
            rows.setdefault(named[found["cell"]], []).append((int(found["seed"]), file))
    if not rows:
        raise InputError(f"no pictures of these runs in {folder / 'samples'}: games of images and of points in the plane draw them")
    columns = min(most, max(len(files) for files in rows.values()))
    with mpl.rc_context({**CONTEXT, "axes.grid": False}):
        figure = Figure(figsize=(1.7 * columns + 0.3, 1.85 * len(rows) + 0.3), layout="constrained")
        for line, (name, files) in zip(figure.subplots(len(rows), columns, squeeze=False), rows.items(), strict=True):
            for axes in line:
                axes.set_axis_off()
            for k, (axes, (seed, file)) in enumerate(zip(line, sorted(files), strict=False)):
                with Image.open(file) as picture:
                    axes.imshow(np.asarray(picture.convert("RGB")), interpolation="antialiased")
                axes.set_title(f"seed {seed}" if k else f"{name}\nseed {seed}", fontsize=6, loc="left")
        figure.suptitle(title, fontsize=9)
        return saved(figure, path)
