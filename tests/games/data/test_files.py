import os
import time
from pathlib import Path

import pytest

from saddlebench.games.data.files import replacing, scratch_directory


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with replacing(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def interrupted() -> None:
        with replacing(target) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with replacing(target) as first, replacing(target) as second:
        first.write(b"first")
        second.write(b"the second")
    assert target.read_bytes() == b"first"  # the outer block ends last


def test_scratch_is_removed_and_old_leftovers_with_it(tmp_path: Path) -> None:
    yesterday = time.time() - 2 * 24 * 3600
    left = tmp_path / ".fetch-1-dead"
    left.mkdir()
    (left / "half").touch()
    part = tmp_path / ".train_images.npy.1-dead.part"
    part.touch()
    for old in (left, part):
        os.utime(old, (yesterday, yesterday))
    alive = tmp_path / ".fetch-2-alive"
    alive.mkdir()
    with scratch_directory(tmp_path) as scratch:
        (scratch / "file").touch()
        assert set(tmp_path.iterdir()) == {alive, scratch}
    assert list(tmp_path.iterdir()) == [alive]
