"""ImageNet's forms on disk into a packed data set."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.io

from saddlebench.errors import InputError
from saddlebench.games.data import image_facts, image_set, is_named, load_images, require_images
from saddlebench.games.data import packing as module
from saddlebench.games.data.imagenet import find_pictures
from saddlebench.games.data.packed import packed
from saddlebench.games.data.packing import discard, pack
from saddlebench.games.data.preparing import Form, prepare_file

from . import imagenet_forms as forms

TRAIN, TEST = 60, 24


@pytest.fixture(scope="module", autouse=True)
def _cifar10():
    try:
        forms.open_pictures()
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return forms.as_folder(tmp_path_factory.mktemp("imagenet"), TRAIN, TEST)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "BLOCK", 16)
    monkeypatch.setattr("saddlebench.games.data.packed.BLOCK", 16)
    return tmp_path / "cache"


def made(source, split="train", side=16, **more):
    return pack(f"imagenet{side}", split, side, find_pictures(source, split), **more)


def test_a_folder_becomes_its_pictures_by_class(folder, cache):
    found = made(folder)
    images, labels = found.open()
    assert images.shape == (TRAIN, 16, 16, 3)
    assert images.dtype == np.uint8
    files = sorted((folder / "train").glob("*/*"))
    for row in (0, 13, TRAIN - 1):
        assert np.array_equal(images[row], prepare_file(files[row], Form(16, 3)))
        assert forms.CLASSES[labels[row]] == files[row].parent.name
    assert found.about["kinds"] == {"RGB": TRAIN - 2, "L": 1, "CMYK": 1}
    assert found.about["unread"] == []
    assert list(found.faults()) == []
    # and as any other data set
    assert is_named("imagenet16")
    assert image_facts("imagenet16").items == TRAIN
    assert image_facts("imagenet16").classes == 10
    again = image_set("imagenet16")
    assert again.checksum == found.checksum
    assert np.array_equal(again.images, images)


def test_a_cmyk_and_a_grey_picture_look_like_themselves_in_colour(folder, cache):
    images, _ = made(folder, side=32).open()
    truth, labels = forms.pictures("train", TRAIN)
    order = sorted(range(TRAIN), key=lambda k: (forms.CLASSES[labels[k]], f"{forms.CLASSES[labels[k]]}_{k}.JPEG"))
    for k in (5, 6, 7, 20):
        shown = images[order.index(k)].astype(float)
        expected = truth[k].astype(float)
        if k == 5:
            expected = np.repeat((expected @ [0.299, 0.587, 0.114])[..., None], 3, -1)
        assert np.abs(shown - expected).mean() < 8, k  # what JPEG loses


@pytest.mark.parametrize("kind", ["kaggle", "caffe", "caffe by name", "kit"])
def test_flat_validation_images_find_their_classes(tmp_path, cache, kind):
    home = forms.as_folder(tmp_path / "raw", TRAIN, TEST, flat=True)
    _, truth = forms.pictures("test", TEST)
    with pytest.raises(InputError, match=r"LOC_val_solution\.csv"):
        find_pictures(home, "test")
    if kind == "kaggle":
        around = tmp_path / "kaggle" / "ILSVRC" / "Data"
        around.mkdir(parents=True)
        home.rename(around / "CLS-LOC")
        home = tmp_path / "kaggle"
        lines = [f"ILSVRC2012_val_{k + 1:08d},{forms.CLASSES[y]} 1 2 3 4 {forms.CLASSES[y]} 5 6 7 8" for k, y in enumerate(truth)]
        (home / "LOC_val_solution.csv").write_text("ImageId,PredictionString\n" + "\n".join(reversed(lines)))
    elif kind.startswith("caffe"):
        named = (lambda y: forms.CLASSES[y]) if "name" in kind else str
        (home / "val.txt").write_text("\n".join(f"ILSVRC2012_val_{k + 1:08d}.JPEG {named(y)}" for k, y in enumerate(truth)))
    else:
        (home / "ILSVRC2012_devkit_t12" / "data").mkdir(parents=True)
        place = home / "ILSVRC2012_devkit_t12" / "data"
        number = {k: 1 + (3 * k) % 10 for k in range(10)}  # the kit numbers classes in an order of its own
        rows = [(number[k], wnid, 0) for k, wnid in enumerate(forms.CLASSES)] + [(11, "n00000001", 3)]
        kinds = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("num_children", "O")]
        scipy.io.savemat(place / "meta.mat", {"synsets": np.array(rows, dtype=kinds)})
        (place / "ILSVRC2012_validation_ground_truth.txt").write_text("\n".join(str(number[y]) for y in truth))
    _, labels = made(home, "test").open()
    assert labels.tolist() == truth.tolist()


def test_a_snapshot_of_parquet_files_gives_the_same_pictures(tmp_path, cache):
    source = forms.as_parquet(tmp_path / "snapshot", TRAIN, TEST)
    truth, labels = forms.pictures("train", TRAIN)
    found = made(source, side=32)
    assert found.classes == forms.CLASSES
    images, own = found.open()
    assert own.tolist() == labels.tolist()
    assert np.abs(images.astype(float) - truth).mean() < 8
    assert made(source, "test", 32).items == TEST


def test_what_cannot_be_read_is_left_out_and_reported(folder, tmp_path, cache):
    source = shutil.copytree(folder, tmp_path / "damaged")
    files = sorted((source / "train").glob("*/*"))
    wrong = [3, 17, 18, TRAIN - 1]
    for k in wrong:
        files[k].write_bytes(files[k].read_bytes()[:200] if k != 18 else b"no picture")
    found = made(source)
    assert found.items == TRAIN - 4
    assert len(found.about["unread"]) == 4
    assert files[18].name in " ".join(found.about["unread"])
    assert list(found.faults()) == []
    images, labels = found.open()
    expected = sorted((prepare_file(f, Form(16, 3)).tobytes(), f.parent.name) for k, f in enumerate(files) if k not in wrong)
    assert sorted((image.tobytes(), forms.CLASSES[y]) for image, y in zip(images, labels, strict=True)) == expected
    assert images[0].tobytes() == prepare_file(files[0], Form(16, 3)).tobytes()


def test_workers_make_the_same_bytes(folder, cache):
    alone = made(folder)
    discard("imagenet16", "train")
    assert packed("imagenet16", "train") is None
    assert made(folder, workers=2).checksum == alone.checksum


def test_an_interrupted_preparation_goes_on_and_makes_torn_blocks_again(folder, cache):
    whole = made(folder).checksum
    discard("imagenet16", "train")
    ticks = itertools.count()

    def stop(*_):
        if next(ticks) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(folder, told=stop)
    with pytest.raises(InputError, match="run `saddlebench data prepare imagenet --source DIR --size 16` first"):
        load_images("imagenet16")
    rows = np.load(cache / "imagenet16" / "train_images.npy", mmap_mode="r+")
    rows[20] += 1  # of the second block, which was done
    rows.flush()
    with (cache / "imagenet16" / ".train.jsonl").open("a") as file:
        file.write('{"block": 3, "sha2')  # a line that was being written
    before = []
    found = made(folder, told=lambda n, earlier: before.append((n, earlier)))
    assert found.checksum == whole
    assert before == [(16, True), (16, True), (16, False), (12, False)]


KILLED = """
import sys
from pathlib import Path
from saddlebench.games.data import packed, packing
from saddlebench.games.data.imagenet import find_pictures
packing.BLOCK = packed.BLOCK = 8
if __name__ == "__main__":
    packing.pack("imagenet64", "train", 64, find_pictures(Path(sys.argv[1]), "train"), workers=2)
"""


@pytest.mark.slow
def test_killed_it_leaves_no_process_behind_and_goes_on(tmp_path, cache, monkeypatch):
    source, script = forms.as_folder(tmp_path / "raw", 2000, 4), tmp_path / "killed.py"
    script.write_text(KILLED)
    journal = cache / "imagenet64" / ".train.jsonl"
    with subprocess.Popen([sys.executable, script, source], start_new_session=True) as running:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not (journal.is_file() and len(journal.read_text().splitlines()) > 10):
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
    done = len(journal.read_text().splitlines()) - 1
    assert 10 <= done < 250
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _members(running.pid):
        time.sleep(0.1)
    assert not _members(running.pid)
    monkeypatch.setattr(module, "BLOCK", 8)
    monkeypatch.setattr("saddlebench.games.data.packed.BLOCK", 8)
    before = []
    found = pack("imagenet64", "train", 64, find_pictures(source, "train"), told=lambda n, earlier: before.append(earlier))
    assert sum(before) == done
    assert list(found.faults()) == []
    discard("imagenet64", "train")
    assert pack("imagenet64", "train", 64, find_pictures(source, "train")).checksum == found.checksum


def _members(session):
    """Processes of a session that are still there."""
    found = subprocess.run(["ps", "-o", "pid=,stat=", "-s", str(session)], capture_output=True, text=True, check=False).stdout
    return [line for line in found.splitlines() if "Z" not in line]


def test_a_full_disk_is_said_before_anything_is_decoded(folder, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match=r"no room for 0.0 GB .*SADDLEBENCH_DATA"):
        made(folder)
    monkeypatch.undo()


def test_another_source_under_the_same_name_is_refused(folder, tmp_path, cache):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(folder, told=stop)
    other = forms.as_folder(tmp_path / "other", TRAIN - 1, 3)
    with pytest.raises(InputError, match="begin anew with --force"):
        made(other)


@pytest.mark.parametrize(
    ("place", "said"),
    [("absent", "is not there: expected ImageNet's folder"), ("empty", "neither train/WNID"), ("hollow", "no images in")],
)
def test_what_is_no_imagenet_is_said(tmp_path, place, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "train").mkdir(parents=True)
    with pytest.raises(InputError, match=said):
        find_pictures(tmp_path / place, "train")


def test_before_it_is_there_it_has_the_usual_numbers(cache):
    facts = image_facts("imagenet128")
    assert (facts.items, facts.side, facts.channels, facts.classes) == (1_281_167, 128, 3, 1000)
    assert image_facts("imagenet64", "test").items == 50_000
    with pytest.raises(InputError, match="run `saddlebench data prepare imagenet --source DIR --size 128` first"):
        require_images("imagenet128")
    with pytest.raises(InputError, match="its images of that side are called imagenet64"):
        image_facts("imagenet128", side=64)
    with pytest.raises(InputError, match="did you mean 'imagenet128'"):
        image_facts("imagnet128", side=64)
