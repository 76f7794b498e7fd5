from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from saddlebench.bench.images.grid import save_grid


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_images_are_laid_out_row_by_row(tmp_path: Path) -> None:
    levels = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])
    path = save_grid(levels.view(5, 1, 1).expand(5, 4, 6), tmp_path / "new" / "grid.png", columns=3)
    found = pixels(path)
    assert found.shape == (2 + 2 * (4 + 2), 2 + 3 * (6 + 2), 3)
    corners = [found[2 + 6 * (i // 3), 2 + 8 * (i % 3), 0] for i in range(5)]
    assert corners == pytest.approx([0, 64, 128, 191, 255], abs=1)
    assert [entry.name for entry in path.parent.iterdir()] == ["grid.png"]


def test_colours_keep_their_channels(tmp_path: Path) -> None:
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 5, 5)
    assert pixels(save_grid(red, tmp_path / "grid.png", columns=1))[4, 4].tolist() == [255, 0, 0]


def test_what_is_beyond_is_clamped_and_what_is_not_finite_is_grey(tmp_path: Path) -> None:
    images = torch.tensor([-9.0, 9.0, torch.nan, torch.inf]).view(4, 1, 1).expand(4, 3, 3)
    row = pixels(save_grid(images, tmp_path / "grid.png", columns=4))[3, 3::5, 0]
    assert row[:4].tolist() == [0, 255, 128, 128]


@pytest.mark.parametrize("images", [torch.zeros(0, 4, 4), torch.zeros(4, 4), torch.zeros(2, 2, 4, 4)])
def test_other_shapes_are_refused(images: Tensor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        save_grid(images, tmp_path / "grid.png")
    assert list(tmp_path.iterdir()) == []


def test_the_file_holds_texts(tmp_path: Path) -> None:
    with Image.open(
        save_grid(torch.zeros(2, 4, 4), tmp_path / "grid.png", told={"Step": "7", "Description": "F(x) from −2 to 2"})
    ) as image:
        assert image.info == {"Step": "7", "Description": "F(x) from −2 to 2"}


def test_no_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="columns"):
        save_grid(torch.zeros(2, 4, 4), tmp_path / "grid.png", columns=0)


def test_the_old_grid_stays_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_grid(torch.zeros(2, 4, 4), tmp_path / "grid.png")
    before = path.read_bytes()

    def fail(_image: object, file: object, *_: object, **__: object) -> None:
        file.write(b"half")  # pyright: ignore[reportAttributeAccessIssue]
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_grid(torch.ones(2, 4, 4), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
