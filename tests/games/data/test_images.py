import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saddlebench.errors import InputError
from saddlebench.games.data import image_set, load, load_images, require_images
from saddlebench.games.data import images as module
from saddlebench.games.data.folder import list_images


def picture(path: Path, pixels: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path, **options)


def flat(value: int, height: int = 4, width: int = 4) -> np.ndarray:
    return np.full((height, width, 3), value)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of flat pictures: value 10, 20 of class bird, 30 of class cat."""
    home = tmp_path / "pictures"
    for name, value in (("bird/b.png", 20), ("bird/deep/a.PNG", 10), ("cat/c.bmp", 30)):
        picture(home / name, flat(value))
    (home / "bird" / "notes.txt").write_text("no image")
    picture(home / ".hidden" / "x.png", flat(99))
    picture(home / "cat" / ".x.png", flat(99))
    return home


def test_classes_are_subfolders_and_what_is_no_image_is_passed_over(folder: Path, cache: Path) -> None:
    images, labels = load_images(str(folder), "train", side=2)
    assert images.shape == (3, 2, 2, 3)
    assert images[:, 0, 0, 0].tolist() == [20, 10, 30]  # bird/b.png before bird/deep/a.PNG
    assert labels.tolist() == [0, 0, 1]
    assert (images.dtype, labels.dtype) == (np.uint8, np.uint8)
    assert list_images(folder, "train").classes == ("bird", "cat")
    assert cache.is_dir()


def test_a_flat_folder_is_one_class(tmp_path: Path, cache: Path) -> None:
    picture(tmp_path / "p" / "x.png", flat(7))
    images, labels = load_images(str(tmp_path / "p"), side=4, channels=1)
    assert images.shape == (1, 4, 4)
    assert labels.tolist() == [0]
    assert not (cache / "p").exists()


def test_splits_are_two_subfolders(folder: Path, tmp_path: Path, cache: Path) -> None:
    assert not cache.exists()
    with pytest.raises(InputError, match="no test split"):
        load_images(str(folder), "test", side=2)
    both = tmp_path / "both"
    shutil.copytree(folder, both / "train")
    with pytest.raises(InputError, match="no test/ folder"):
        load_images(str(both), "test", side=2)
    picture(both / "val" / "cat" / "d.png", flat(40))
    assert load_images(str(both), "test", side=2)[0][:, 0, 0, 0].tolist() == [40]
    assert load_images(str(both), "train", side=2)[1].tolist() == [0, 0, 1]


def test_the_long_edge_is_cropped_and_the_square_averaged(tmp_path: Path, cache: Path) -> None:
    generator = np.random.default_rng(0)
    wide = generator.integers(0, 256, (8, 14, 3))
    picture(tmp_path / "p" / "wide.png", wide)
    picture(tmp_path / "p" / "x-tall.png", wide.transpose(1, 0, 2))
    images, _ = load_images(str(tmp_path / "p"), side=2)
    expected = wide[:, 3:11].reshape(2, 4, 2, 4, 3).mean((1, 3))
    assert np.abs(images[0] - expected).max() <= 1  # rounding of two passes
    assert np.abs(images[1] - expected.transpose(1, 0, 2)).max() <= 1
    grey, _ = load_images(str(tmp_path / "p"), side=2, channels=1)
    assert np.abs(grey[0] - expected @ [0.299, 0.587, 0.114]).max() <= 2
    assert cache.is_dir()


def test_pictures_are_turned_upright(tmp_path: Path, cache: Path) -> None:
    pixels = flat(0)
    pixels[:2] = 200  # bright on top; stored turned by 180 degrees
    exif = Image.Exif()
    exif[0x0112] = 3
    picture(tmp_path / "p" / "x.png", pixels[::-1], exif=exif)
    images, _ = load_images(str(tmp_path / "p"), side=4, channels=1)
    assert images[0, 0].tolist() == [200] * 4
    assert cache.is_dir()


def test_a_folder_is_decoded_once_and_again_when_a_picture_changes(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = image_set(str(folder), "train", 2, 3)
    assert isinstance(first.images, np.memmap)
    with monkeypatch.context() as patch:
        patch.setattr(module, "prepare_file", lambda *_: pytest.fail("decoded again"))
        patch.setattr("saddlebench.games.data.folder.Listing.content_hash", lambda _: pytest.fail("read again"))
        again = image_set(str(folder), "train", 2, 3)
    assert again.checksum == first.checksum
    elsewhere = shutil.copytree(folder, folder.with_name("elsewhere"))
    assert image_set(str(elsewhere), "train", 2, 3).checksum == first.checksum  # by content, not by place
    picture(folder / "cat" / "c.bmp", flat(33))
    changed = image_set(str(folder), "train", 2, 3)
    assert changed.images[2, 0, 0, 0] == 33
    assert changed.checksum != first.checksum
    assert image_set(str(folder), "train", 2, 1).checksum != changed.checksum
    assert len(list((cache / "prepared").glob("*.npy"))) == 3


def test_more_than_256_classes_have_wider_labels(tmp_path: Path, cache: Path) -> None:
    for k in range(257):
        picture(tmp_path / "p" / f"{k:03}" / "x.png", flat(0, 1, 1))
    _, labels = load_images(str(tmp_path / "p"), side=1)
    assert labels.dtype == np.int64
    assert labels[-1] == 256
    assert cache.is_dir()


def test_what_cannot_be_used_is_a_clear_error(folder: Path, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(InputError, match="no size of their own"):
        load_images(str(folder))
    with pytest.raises(InputError, match="unknown split 'all'"):
        load_images(str(folder), "all", side=2)  # pyright: ignore[reportArgumentType]
    for side, channels, message in ((0, 3, "side of 0"), (2, 4, "4 channels")):
        with pytest.raises(InputError, match=message):
            load_images(str(folder), side=side, channels=channels)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no images in .*empty"):
        load_images(str(tmp_path / "empty"), side=2)
    picture(folder / "beside.png", flat(1))
    with pytest.raises(InputError, match="both in itself and in subfolders"):
        load_images(str(folder), side=2)
    for bad, content in (("torn.png", b"\x89PNG\r\n\x1a\n"), ("text.jpg", b"no image")):
        (tmp_path / bad[:4]).mkdir()
        (tmp_path / bad[:4] / bad).write_bytes(content)
        with pytest.raises(InputError, match=f"cannot read the image .*{bad}"):
            load_images(str(tmp_path / bad[:4]), side=2)
    (tmp_path / "deep").mkdir()
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(tmp_path / "deep" / "x.png")
    with pytest.raises(InputError, match="more than 8 bits"):
        load_images(str(tmp_path / "deep"), side=2)
    assert not list((cache / "prepared").glob("*.npy"))


def test_names_and_paths_that_are_neither(tmp_path: Path) -> None:
    for check in (require_images, load_images):
        with pytest.raises(InputError, match=r"did you mean 'mnist'.* \(and no folder"):
            check("mnits", **({} if check is require_images else {"side": 2}))
        with pytest.raises(InputError, match="is not there: expected a folder"):
            check(str(tmp_path / "absent"), **({} if check is require_images else {"side": 2}))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is no folder"):
        require_images(str(tmp_path / "file"))


def test_a_data_set_that_is_not_in_the_cache_is_named_with_the_remedy(cache: Path) -> None:
    assert not cache.exists()
    with pytest.raises(InputError, match="saddlebench data fetch mnist"):
        require_images("mnist")


def test_a_data_set_in_its_own_form_is_the_cached_one_and_in_another_is_made(
    mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))
    (tmp_path / "mnist").symlink_to(mnist_folder, target_is_directory=True)
    require_images("mnist")
    own = image_set("mnist", "test")
    assert np.array_equal(own.images, load("mnist", "test")[0])
    assert own.checksum == "240610fa99e73bfa49df8e7fc24d3206"
    assert not (tmp_path / "prepared").exists()
    half = image_set("mnist", "test", side=14, channels=3)
    assert half.images.shape == (10_000, 14, 14, 3)
    assert np.abs(half.images[3, ..., 1] - own.images[3].reshape(14, 2, 14, 2).mean((1, 3))).max() <= 1
    assert np.array_equal(half.labels, own.labels)
    assert (half.images[..., 0] == half.images[..., 2]).all()
    assert half.checksum != own.checksum
