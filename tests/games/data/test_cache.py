import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from saddlebench.errors import InputError
from saddlebench.games.data import DATASETS, Source, SourceError, available, fetch, load, status
from saddlebench.games.data.files import data_root

Arrays = dict[str, np.ndarray]
Install = Callable[..., Path]


def good(arrays: Arrays, calls: list[str] | None = None) -> Source:
    def obtain(_home: Path, _scratch: Path) -> Arrays:
        if calls is not None:
            calls.append("good")
        return arrays

    return Source("good", obtain)


def failing(name: str, reason: str) -> Source:
    def obtain(_home: Path, scratch: Path) -> Arrays:
        (scratch / "half").write_bytes(b"half a download")
        raise SourceError(reason)

    return Source(name, obtain)


def test_the_first_source_that_works_fills_the_cache_and_is_asked_once(tiny: Install, tiny_arrays: Arrays) -> None:
    calls: list[str] = []
    lines: list[str] = []
    home = tiny(failing("mirror", "no route"), good(tiny_arrays, calls))
    assert not available("tiny")
    assert fetch("tiny", progress=lines.append) == home
    fetch("tiny")
    assert calls == ["good"]
    assert any("mirror: no route" in line for line in lines)
    assert sorted(path.name for path in home.iterdir()) == sorted(f"{key}.npy" for key in tiny_arrays)
    fetch("tiny", force=True)
    assert calls == ["good", "good"]


def test_load_gives_what_the_source_gave_and_cannot_change_the_file(tiny: Install, tiny_arrays: Arrays) -> None:
    tiny(good(tiny_arrays))
    images, labels = load("tiny", "test")  # fetches
    assert isinstance(images, np.memmap)
    assert np.array_equal(images, tiny_arrays["test_images"])
    assert np.array_equal(labels, tiny_arrays["test_labels"])
    torch.from_numpy(images).zero_()  # a read-only map would warn, and a shared one would lose the data set
    assert np.array_equal(load("tiny", "test")[0], tiny_arrays["test_images"])


def test_data_with_a_wrong_checksum_are_refused_whatever_the_source(tiny: Install, tiny_arrays: Arrays) -> None:
    wrong = {**tiny_arrays, "test_labels": tiny_arrays["test_labels"] ^ 1}
    short = {**tiny_arrays, "train_images": tiny_arrays["train_images"][:4]}
    lacking = {key: array for key, array in tiny_arrays.items() if key != "train_labels"}
    home = tiny(good(wrong), good(short), good(lacking))
    with pytest.raises(InputError) as caught:
        fetch("tiny")
    text = str(caught.value)
    assert "test_labels: md5" in text
    assert "train_images: uint8 of shape (4, 4, 4), expected uint8 of shape (5, 4, 4)" in text
    assert "train_labels: missing" in text
    assert list(home.iterdir()) == []


def test_the_failure_of_every_source_is_one_line_that_says_what_to_do(tiny: Install) -> None:
    home = tiny(failing("first mirror", "no route"), failing("second mirror", "404"))
    with pytest.raises(InputError) as caught:
        fetch("tiny")
    text = str(caught.value)
    assert "\n" not in text
    for part in ("first mirror: no route", "second mirror: 404", "tiny.idx", str(home), "SADDLEBENCH_DATA"):
        assert part in text


def test_a_flipped_byte_is_seen_by_checksum_and_repaired(tiny: Install, tiny_arrays: Arrays) -> None:
    home = tiny(good(tiny_arrays))
    fetch("tiny")
    path = home / "train_images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert available("tiny")  # the cheap check cannot see it
    assert status()[0]["checksum"] is False
    fetch("tiny")
    assert status()[0]["checksum"] is True


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"garbage" * 100], ids=["empty", "torn", "garbage"])
def test_a_damaged_file_is_fetched_again_on_load(tiny: Install, tiny_arrays: Arrays, damage: bytes) -> None:
    home = tiny(good(tiny_arrays))
    fetch("tiny")
    (home / "train_images.npy").write_bytes(damage)
    assert not available("tiny")
    assert np.array_equal(load("tiny")[0], tiny_arrays["train_images"])


@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_of_another_length_is_not_available(tiny: Install, tiny_arrays: Arrays, change: int) -> None:
    home = tiny(good(tiny_arrays))
    fetch("tiny")
    path = home / "test_images.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-1] if change < 0 else content + b"x")
    assert not available("tiny")


def test_status_counts_bytes_and_has_no_verdict_on_what_is_absent(tiny: Install, tiny_arrays: Arrays) -> None:
    home = tiny(good(tiny_arrays))
    assert status() == [{"name": "tiny", "where": str(home), "present": False, "bytes": 0, "checksum": None}]
    fetch("tiny")
    size = sum(path.stat().st_size for path in home.iterdir())
    assert status() == [{"name": "tiny", "where": str(home), "present": True, "bytes": size, "checksum": True}]


def test_many_may_fetch_at_once(tiny: Install, tiny_arrays: Arrays) -> None:
    home = tiny(good(tiny_arrays))
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: fetch("tiny", force=True), range(40))) == {home}
    assert status()[0]["checksum"] is True
    assert len(list(home.iterdir())) == 4


def test_a_cache_that_cannot_be_written_is_a_clear_error(
    tiny: Install, tiny_arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(good(tiny_arrays))
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "file"))
    with pytest.raises(InputError, match="SADDLEBENCH_DATA"):
        fetch("tiny")


def test_unknown_names_and_splits_are_input_errors() -> None:
    for ask in (fetch, load, available):
        with pytest.raises(InputError, match="did you mean 'mnist'"):
            ask("mnits")
    with pytest.raises(InputError, match="known are train, test"):
        load("mnist", "validation")  # pyright: ignore[reportArgumentType]


def test_the_root_is_the_variable_or_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SADDLEBENCH_DATA", "sets")
    assert data_root() == tmp_path / "sets"
    monkeypatch.delenv("SADDLEBENCH_DATA")
    assert data_root().parts[-2:] == ("saddlebench", "data")


def test_every_data_set_of_the_folder_is_complete() -> None:
    assert "mnist" in DATASETS
    for name in DATASETS:
        dataset = DATASETS[name]()
        assert set(dataset.arrays) == {f"{a}_{b}" for a in ("train", "test") for b in ("images", "labels")}
        assert dataset.sources()
        assert dataset.by_hand
        for split in ("train", "test"):
            assert dataset.arrays[f"{split}_images"].shape[0] == dataset.arrays[f"{split}_labels"].shape[0]


def test_listing_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.environ['SADDLEBENCH_DATA'] = sys.argv[1]\n"
        "from saddlebench.games.data import status; status()\n"
        "print(*({'torch', 'torchvision', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "")
