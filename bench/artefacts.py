"""What generators make, beside the tables: grids of images, scatter plots of points in the plane, and the generators themselves."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from saddlebench.bench.build import name_of
from saddlebench.bench.cells import Cell
from saddlebench.bench.images.grid import save_grid
from saddlebench.bench.models import run_label, write_models
from saddlebench.bench.program import History

SHOWN_IMAGES = 64
SHOWN_POINTS = 2500
_RUNS = 4  # of a group that are drawn: a picture takes longer than a small run


def save_samples(folder: Path, written: list[Path]) -> Callable[[list[Cell], Tensor, History], None]:
    """A runner's `artefacts`: every run's model, and samples of a group's first runs, from latents fixed by seed.

    Files are ``folder/models/GAME/OPTIMIZER-CELL-seedN.safetensors`` and ``folder/samples/GAME/OPTIMIZER-CELL-seedN.png``; the
    pictures' paths are appended to ``written``.
    """

    def save(cells: list[Cell], seeds: Tensor, history: History) -> None:
        if not history.kept:
            return
        game = cells[0].pairing.game
        last = history.kept[max(history.kept)]
        with torch.no_grad():
            probe = game.samples(last.w, seeds, 1, last.buffers)
            if probe is None:
                return
            images = probe.dim() >= 4
            samples = game.samples(last.w, seeds, SHOWN_IMAGES if images else SHOWN_POINTS, last.buffers)
        write_models(folder, cells, last)
        assert samples is not None, "a game that has one sample has more"
        for cell, shown in list(zip(cells, samples, strict=True))[:_RUNS]:
            path = folder / "samples" / name_of(game) / f"{run_label(cell)}.png"
            if images:
                save_grid(shown, path)
            elif shown.shape[-1] == 2:
                save_scatter(shown, path, f"{name_of(cell.pairing.optimizer)}, step {last.step}, seed {cell.seed}")
            else:
                continue
            written.append(path)

    return save


def save_scatter(points: Tensor, path: Path, title: str) -> None:
    """Points ``(n, 2)`` as a picture."""
    from matplotlib.figure import Figure  # half a second to import, and most runs draw nothing

    from saddlebench.games.data.files import replacing

    figure = Figure(figsize=(3.2, 3.2), dpi=150)
    axes = figure.subplots()
    axes.scatter(*points.double().cpu().numpy().T, s=2, alpha=0.35, linewidths=0, color="#0072B2")
    axes.set_title(title, fontsize=8)
    axes.set_aspect("equal", "datalim")
    axes.tick_params(labelsize=7)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        figure.savefig(file, format="png")
