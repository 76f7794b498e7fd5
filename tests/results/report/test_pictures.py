"""Which pictures the report shows, and what it says of them."""

import base64
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from saddlebench.results.report.pictures import pictures, told
from saddlebench.results.store import read

GRIDS = ("", *(f"step{step:06}" for step in range(0, 1000, 50)))
ROWS = ("best", "second")


def draw(path: Path, **texts: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    Image.new("L", (20, 10)).save(path, pnginfo=info)


class Results:
    """Runs of games in two rows, ``best`` and ``second``, each of three seeds, and their pictures.

    Args:
        folder: of the results.
        games: game → names of each of its runs' pictures.
        second: names of more pictures, of the second row's runs.
    """

    def __init__(self, folder: Path, games: dict[str, tuple[str, ...]], second: tuple[str, ...] = ()):
        self.folder, self.members, self.groups, runs = folder, [], [], []
        for row in ROWS:
            for number, (game, names) in enumerate(games.items()):
                self.members.append(np.arange(3) + len(runs))
                self.groups.append((game, row))
                catalogue = game.partition("(")[0]
                for seed in (2, 0, 1):
                    cell = f"{number:02}{row[:4]}{seed:02}"
                    runs.append({"cell": cell + "00000000", "game": catalogue, "seed": seed})
                    for name in (*names, *(second if row == "second" else ())):
                        draw(folder / "samples" / catalogue / f"{row}-{cell}-seed{seed}{name and '-'}{name}.png")
        self.runs = pd.DataFrame(runs)

    def shown(self, most: int) -> list[tuple[str, str, int, str, int | None]]:
        """(game, row, seed, name, step) of all that are taken."""
        taken, _ = pictures(self.folder, self.members, [game for game, _ in self.groups], self.runs, most)
        grouped = zip(self.groups, taken, strict=True)
        return [(*group, one["seed"], one["name"], one["step"]) for group, own in grouped for one in own]


def test_no_grid_displaces_a_games_own_picture(tmp_path):
    games = {"infogan": (*GRIDS, "codes", "code-1", "code-2"), "plain": GRIDS, "other": (*GRIDS, "translations")}
    assert sorted(Results(tmp_path, games).shown(most=6)) == [
        ("infogan", "best", 0, "code-1", None),
        ("infogan", "best", 0, "code-2", None),
        ("infogan", "best", 0, "codes", None),
        ("infogan", "best", 0, "samples", None),
        ("other", "best", 0, "translations", None),
        ("plain", "best", 0, "samples", None),
    ]


def test_every_game_has_a_picture_before_any_has_two(tmp_path):
    games = {"infogan": (*GRIDS, "codes", "code-1"), "infogan(information=0.0)": (*GRIDS, "codes", "code-1"), "plain": GRIDS}
    results = Results(tmp_path, games)
    assert {game for game, *_ in results.shown(most=2)} == {"infogan", "plain"}  # a control would be the second of a name
    for most in range(1, 5 + 1):
        counts = Counter(game for game, *_ in results.shown(most))
        assert len(counts) == min(most, 3)
        assert counts.total() == most


def test_own_pictures_are_of_the_first_row_that_has_any(tmp_path):
    results = Results(tmp_path, {"a": ("",)}, second=("codes",))
    assert results.shown(most=1) == [("a", "second", 0, "codes", None)]


def test_grids_of_the_end_come_before_those_of_checkpoints(tmp_path):
    results = Results(tmp_path, {"a": ("", "codes", "step000100", "average-step000200")})
    ends = [("a", row, seed, name, None) for row in ROWS for seed in range(3) for name in ("codes", "samples")]
    assert set(results.shown(most=3)) == {*ends[:2], ("a", "second", 0, "samples", None)}
    assert set(results.shown(most=12)) == set(ends)
    assert set(results.shown(most=13)) - set(ends) == {("a", "best", 0, "samples of the average", 200)}
    assert set(results.shown(most=14)) - set(results.shown(most=13)) == {("a", "best", 0, "samples", 100)}
    assert len(results.shown(most=99)) == 24


def test_a_picture_says_its_step_and_what_it_shows(tmp_path):
    results = Results(tmp_path, {"a": ()})
    cell = results.runs["cell"][1][:8]
    draw(tmp_path / "samples" / "a" / f"best-{cell}-seed0-codes.png", Step="1500", Description="<b>rows: −2 to 2</b>" + 500 * "x")
    draw(tmp_path / "samples" / "a" / f"best-{cell}-seed0-code-1.png", Step="late")
    taken, _ = pictures(tmp_path, results.members, ["a", "a"], results.runs)
    told_of = {one["name"]: (one["own"], one["step"], one["about"]) for one in taken[0]}
    assert told_of["codes"] == (True, 1500, "<b>rows: −2 to 2</b>" + 380 * "x")
    assert told_of["code-1"] == (True, None, None)


def test_pictures_are_made_small_and_counted(folder):
    tables = read(folder)
    runs = tables.runs[tables.runs["game"] == "mnist"].reset_index(drop=True)
    taken, counts = pictures(folder, [np.arange(len(runs))], ["mnist"], runs)
    assert counts == {"found": 5, "shown": 4, "unreadable": 1}
    assert told(counts) == "1 pictures could not be read"
    assert [one["seed"] for one in taken[0]] == [1, 0, 1, 2]
    assert [(one["name"], one["own"]) for one in taken[0]] == [("codes", True)] + 3 * [("samples", False)]
    assert taken[0][1]["source"] == "samples/mnist/extragradient-ring0000-seed0.png"
    with Image.open(io.BytesIO(base64.b64decode(taken[0][1]["uri"].partition(",")[2]))) as picture:
        assert picture.size == (360, 360)
    taken, counts = pictures(folder, [np.arange(len(runs))], ["mnist"], runs, most=2)
    assert len(taken[0]) == 2
    assert told(counts) == "2 of 5 pictures are shown; the others lie in samples/ beside the results"
