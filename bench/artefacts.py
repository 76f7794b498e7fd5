"""What generators make, beside the tables: grids of images, scatter plots of points in the plane, the games' own pictures, and the
generators themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saddlebench.bench.build import name_of
from saddlebench.bench.cells import Cell
from saddlebench.bench.images.grid import save_grid
from saddlebench.bench.models import run_label, write_models
from saddlebench.bench.program import History
from saddlebench.bench.trees import map_tensors
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.gan import GAN

SHOWN_IMAGES = 64
SHOWN_POINTS = 2500
SHEETS = 20  # classes of a conditional game that have a sheet of their own
_ON_A_SHEET = 16
_RUNS = 4  # of a group that are drawn: a picture takes longer than a small run


def save_samples(folder: Path, written: list[Path]) -> "Samples":
    """A runner's `artefacts` for a directory of results; the pictures' paths are appended to ``written``."""
    return Samples(folder, written)


@dataclass(frozen=True)
class Samples:
    """Writes every run's model, and samples of a group's first runs, from latents fixed by seed.

    Files are ``folder/models/GAME/OPTIMIZER-CELL-seedN.safetensors``, ``folder/samples/GAME/OPTIMIZER-CELL-seedN.png`` and
    ``…-seedN-NAME.png`` for each name of `Game.pictures` and `Game.clouds`. A game that is told classes has a sheet of each of the
    first 20 besides, in ``…-seedN-classes/``. Games with image measures also have the same latents' images of every checkpoint
    and answer, ``…-seedN-step000100.png`` and ``…-seedN-average-step000100.png``. Each file holds its step as the text
    ``Step``, and a picture of the game's own what the game says of it as ``Description``.
    """

    folder: Path
    written: list[Path]

    def __call__(self, cells: list[Cell], seeds: Tensor, history: History) -> None:
        """What a group of runs came to."""
        if not history.kept:
            return
        game = cells[0].pairing.game
        last = history.kept[max(history.kept)]
        with torch.no_grad():
            probe = game.samples(last.w, seeds, 1, last.buffers)
            samples = None
            if probe is not None:
                samples = game.samples(last.w, seeds, SHOWN_IMAGES if probe.dim() >= 4 else SHOWN_POINTS, last.buffers)
            pictures = game.pictures(last.w, seeds, last.buffers)
            clouds = game.clouds(last.w, seeds, last.buffers)
        if samples is None and not pictures and not clouds:
            return
        write_models(self.folder, cells, last)
        for k, cell in enumerate(cells[:_RUNS]):
            path = self._path(cell)
            title = f"{name_of(cell.pairing.optimizer)}, step {last.step}, seed {cell.seed}"
            if samples is not None and (samples.dim() >= 4 or samples.shape[-1] == 2):
                self.written.append(_save_shown(samples[k], path, title, _told(last.step)))
                if isinstance(game, GAN) and (classes := getattr(game, "classes", 0)):
                    one = (_row(last.w, k, cells), seeds[k : k + 1], _row(last.buffers, k, cells))
                    save_sheets(game, *one, range(min(classes, SHEETS)), _ON_A_SHEET, path.with_name(f"{path.stem}-classes"))
            for name, rows in pictures.items():
                own = path.with_name(f"{path.stem}-{name}.png")
                self.written.append(save_grid(rows[k].flatten(0, 1), own, rows.shape[2], _told(last.step, type(game).pictures)))
            for name, sets in clouds.items():
                own = path.with_name(f"{path.stem}-{name}.png")
                shown = {label: points[k] for label, points in sets.items()}
                self.written.append(save_clouds(shown, own, f"{name}: {title}", _told(last.step, type(game).clouds)))

    def at_checkpoint(self, cells: list[Cell], step: int, answer: str, images: Tensor) -> None:
        """Images ``(runs, n, …)`` of one answer at a checkpoint, in [−1, 1] or as bytes."""
        for cell, shown in zip(cells[:_RUNS], images[:, :SHOWN_IMAGES], strict=False):
            path = self._path(cell)
            name = f"step{step:06}" if answer == "last" else f"{answer}-step{step:06}"
            grid = shown / 127.5 - 1 if shown.dtype == torch.uint8 else shown
            save_grid(grid, path.with_name(f"{path.stem}-{name}.png"), told=_told(step))

    def _path(self, cell: Cell) -> Path:
        return self.folder / "samples" / name_of(cell.pairing.game) / f"{run_label(cell)}.png"


def _told(step: int, drawn_by: Callable[..., Any] | None = None) -> dict[str, str]:
    """The texts of a picture; a game describes its own where it defines them, in the first paragraph of that method's docstring."""
    words = " ".join(((drawn_by and drawn_by.__doc__) or "").strip().partition("\n\n")[0].replace("``", "").split())
    return {"Step": str(step), **({"Description": words} if words else {})}


def _save_shown(shown: Tensor, path: Path, title: str, told: Mapping[str, str]) -> Path:
    if shown.dim() >= 3:
        return save_grid(shown, path, told=told)
    save_scatter(shown, path, title, told)
    return path


def save_clouds(sets: dict[str, Tensor], path: Path, title: str, told: Mapping[str, str]) -> Path:
    """Labelled sets of points ``(n, 2)`` as a picture; returns its path."""
    from saddlebench.games.data.files import replacing
    from saddlebench.results.figures.clouds import clouds

    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        clouds({label: points.double().cpu().numpy() for label, points in sets.items()}, file, title, told)
    return path


def _row(tree: Any, r: int, cells: list[Cell]) -> Any:
    """Run r's part of the tensors of a group."""
    return map_tensors(lambda x: x[r : r + 1] if x.dim() and len(x) == len(cells) else x, tree)


def save_sheets(
    game: GAN,
    profile: Profile,
    seeds: Tensor,
    buffers: Buffers,
    classes: Sequence[int],
    n: int,
    folder: Path,
    latents_of: Any = None,
) -> list[Path]:
    """A picture a class, of n images each, all classes from the same latents: ``folder/class-3.png`` …; returns the paths.

    Args:
        game: one that is told classes.
        profile: of one run.
        seeds: its seed, ``(1,)``.
        buffers: of the profile.
        classes: whose sheets are drawn.
        n: images on a sheet.
        folder: of the pictures.
        latents_of: the seed of the latents ``(1,)``; None: the run's.
    """
    latents = game.evaluation_latents(seeds if latents_of is None else latents_of, n).repeat(1, len(classes), 1)
    labels = torch.tensor(list(classes), device=seeds.device).repeat_interleave(n)[None]
    digits, written = len(str(max(classes))), []
    waiting = torch.empty(0)
    numbers = iter(classes)
    with torch.no_grad():
        for images in game.shown_in_turn(profile, latents, seeds, buffers, labels):
            waiting = images[0] if not len(waiting) else torch.cat((waiting, images[0]))
            while len(waiting) >= n:
                sheet, waiting = waiting[:n], waiting[n:]
                written.append(save_grid(sheet, folder / f"class-{next(numbers):0{digits}}.png"))
    return written


def save_scatter(points: Tensor, path: Path, title: str, told: Mapping[str, str] | None = None) -> None:
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
        figure.savefig(file, format="png", metadata=dict(told or {}))
