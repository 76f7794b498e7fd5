"""Final profiles of games that generate samples, each in a file from which they can be drawn again without data or results.

File: ``DIR/models/GAME/OPTIMIZER-CELL-seedN.safetensors`` (`saddlebench.bench.tensor_files`), with the answers ``last`` and, where
the optimizer has one, ``average``, the game's buffers, and in the header game, optimizer, seed and step. A checkpoint of a run in
flight has the same entries, and is read as a model of its first run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saddlebench.bench.build import build, name_of, source_hash
from saddlebench.bench.cells import Cell
from saddlebench.bench.checkpoints import described
from saddlebench.bench.recording import Point
from saddlebench.bench.stacking import stack
from saddlebench.bench.tensor_files import TensorFileError, read, write
from saddlebench.bench.trees import map_tensors
from saddlebench.errors import InputError, unknown
from saddlebench.games import GAMES
from saddlebench.games.game import Buffers, Game, Profile


@dataclass(frozen=True)
class Model:
    """A profile as it was trained.

    Attributes:
        game: the game.
        seeds: ``(1,)``, the run's.
        answers: ``last`` and perhaps ``average``, profiles of one run.
        buffers: those of the game.
        step: after which it stood so.
        label: optimizer on game, for titles and messages.
        changed: has the user's file that defines the game changed since?
    """

    game: Game
    seeds: Tensor
    answers: dict[str, Profile]
    buffers: Buffers
    step: int
    label: str
    changed: bool = False

    def answer(self, name: str) -> Profile:
        """A profile.

        Raises:
            InputError: there is no such answer.
        """
        if name not in self.answers:
            hint = ": the optimizer kept no average (wrap it in moving-average or uniform-average)" if name == "average" else ""
            raise InputError(f"this model has the answer {' and '.join(self.answers)} alone{hint}")
        return self.answers[name]


def write_models(folder: Path, cells: Sequence[Cell], last: Point) -> list[Path]:
    """Write each run's final profile and return the paths."""
    optimizer = stack([cell.pairing.optimizer for cell in cells], last.w[0].device)
    answers = optimizer.answers(last.w, last.state)
    written = []
    for r, cell in enumerate(cells):

        def row(x: Tensor, r: int = r) -> Tensor:
            return x[r : r + 1] if x.dim() and len(x) == len(cells) else x

        path = folder / "models" / name_of(cell.pairing.game) / f"{run_label(cell)}.safetensors"
        tree = {"answers": map_tensors(row, answers), "buffers": map_tensors(row, last.buffers)}
        write(path, tree, {**described([cell]), "step": last.step})
        written.append(path)
    return written


def run_label(cell: Cell) -> str:
    """``OPTIMIZER-CELL-seedN``, the name of a run's files."""
    return f"{name_of(cell.pairing.optimizer)}-{cell.key[:8]}-seed{cell.seed}"


def read_model(path: Path, game: str | None = None) -> Model:
    """The model in a file.

    Args:
        path: of a model or a checkpoint.
        game: the file of the user's game, where it is no longer where it was.

    Raises:
        InputError: no such file, damaged, not of saddlebench, or of a game that is not to be had.
    """
    if path.is_dir():
        found = sorted(path.rglob("*.safetensors"))
        raise InputError(f"{path} is a directory: name a model in it{f', such as {found[0]}' if found else ''}")
    if not path.is_file():
        raise InputError(f"there is no file {path}: models lie in DIR/models/GAME, where DIR holds the results")
    if path.suffix != ".safetensors":
        raise InputError(f"{path.name} is no model: models and checkpoints of saddlebench end in .safetensors")
    try:
        file = read(path)
        about = file.header
        answers = file.tree("answers")
        buffers = file.tree("buffers")
        seeds, step = torch.tensor(about["seeds"][:1]), int(about["step"])
    except (TensorFileError, KeyError) as error:
        raise InputError(f"{path} cannot be read as a model: {error}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    runs = len(about["seeds"])
    answers, buffers = (map_tensors(lambda x: x[:1] if x.dim() and len(x) == runs else x, t) for t in (answers, buffers))
    played = _game(about, game)
    for profile in answers.values():
        if tuple(x.shape[-1] for x in profile) != played.sizes:
            sizes = [x.shape[-1] for x in profile]
            raise InputError(f"{path.name} has players of {sizes} numbers, and {about['game']} has {list(played.sizes)}")
    changed = source_hash(played) != about["game_source"]
    return Model(played, seeds, answers, buffers, step, f"{about['optimizer']} on {about['game']}", changed)


def _game(about: dict[str, Any], file: str | None) -> Game:
    name, written = about["game"], about["game_file"]
    if file is None and written is None and name not in GAMES:
        raise unknown("game", name, GAMES)
    spec = file or written or name
    if file is None and written and not Path(written.rpartition(":")[0]).is_file():
        raise InputError(f"its game {name} is defined in {written}, which is not there: name the file by --game ./FILE.py:CLASS")
    return build("game", {spec: about["game_parameters"]})
