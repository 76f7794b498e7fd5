"""Batches are the same wherever the images lie."""

import itertools

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.errors import InputError
from saddlebench.games import feeding
from saddlebench.games.data import image_set
from saddlebench.games.data.imagenet import find_pictures
from saddlebench.games.data.packing import pack
from saddlebench.games.feeding import Feeder, TrainingSet, resident_bytes, training_set
from saddlebench.games.shuffling import batch_of_epoch

from .data import imagenet_forms as forms

SEEDS = torch.tensor([3, 8])
CPU = torch.device("cpu")
SMALL = {"side": 16, "latent": 6, "generator_width": 2, "discriminator_width": 2, "shared": 3, "batch": 6, "standing_batches": 2}


def indices(seeds, step, draw):
    return batch_of_epoch(seeds, step, draw, 5, 30)


@pytest.fixture
def images():
    return torch.arange(30 * 4 * 4 * 3).reshape(30, 4, 4, 3).remainder(251).to(torch.uint8)


@pytest.mark.parametrize("grey", [False, True])
def test_streamed_and_resident_batches_are_the_same(images, grey):
    images = images[..., 0].contiguous() if grey else images
    labels = torch.arange(30)
    streamed, resident = (TrainingSet(images, labels, CPU, kept) for kept in (False, True))
    assert streamed.pixels is None
    for step, draw in itertools.product((0, 1, 2, 7, 3), (0, 1, 2)):
        found, expected = (s.batch(indices, SEEDS, step, draw) for s in (streamed, resident))
        assert found[0].shape == (2, 5, 1 if grey else 3, 4, 4)
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_what_comes_next_is_gathered_before_it_is_asked_for(images):
    asked = []

    def noted(seeds, step, draw):
        asked.append((step, draw))
        return indices(seeds, step, draw)

    feeder = Feeder(images, noted, SEEDS, CPU)
    schedule = [(step, draw) for step in range(6) for draw in (0, 1, 2)]
    for key in schedule[:9]:
        feeder.batch(*key)
    feeder._pool.submit(lambda: None).result()  # one thread: what was ordered before is there
    assert set(schedule[9:11]) <= set(asked)  # two ahead, across the step's end
    before = asked.count((3, 0))
    feeder.batch(3, 0)
    assert asked.count((3, 0)) == before == 1


def test_other_seeds_have_a_feeder_of_their_own(images):
    streamed = TrainingSet(images, torch.arange(30), CPU, resident=False)
    for seeds in (SEEDS, SEEDS + 1, SEEDS):
        found, _ = streamed.batch(indices, seeds, 0, 0)
        assert torch.equal(found, images[indices(seeds, 0, 0)].movedim(-1, -3))


def test_a_size_that_is_no_number_is_said(monkeypatch):
    monkeypatch.setenv(feeding.VARIABLE, "many")
    with pytest.raises(InputError, match="SADDLEBENCH_RESIDENT_GB is 'many'"):
        resident_bytes()


@pytest.fixture
def imagenet(tmp_path, monkeypatch):
    """Real pictures packed as imagenet16, in a data cache of their own."""
    try:
        forms.open_pictures()
    except InputError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "cache"))
    training_set.cache_clear()
    source = forms.as_folder(tmp_path / "raw", 60, 20)
    for split in ("train", "test"):
        pack("imagenet16", split, 16, find_pictures(source, split))
    yield
    training_set.cache_clear()


def test_biggan_trains_from_it_resident_or_streamed(imagenet, monkeypatch):
    game = build("game", {"biggan": SMALL | {"side": 0, "data": "imagenet16"}})
    assert (game.shape, game.classes, game.items) == ((3, 16), 10, 60)
    assert game.image_measures == "imagenet16?labels=in-turn"
    played = {}
    for gigabytes in ("4", "0"):
        monkeypatch.setenv(feeding.VARIABLE, gigabytes)
        training_set.cache_clear()
        w = game.initial(SEEDS)
        oracle = Oracle.at_step(game, SEEDS, 4, game.buffers(w, SEEDS), Counts(2))
        played[gigabytes] = oracle.field(w), oracle.fresh().field(w), oracle.sample
        assert (training_set("imagenet16", 16, 3, CPU).pixels is None) == (gigabytes == "0")
    for a, b in zip(played["4"], played["0"], strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a[:2], b[:2], strict=True))
    real = image_set("imagenet16").images
    shown = ((played["0"][2].real[0, 0] + 1) * 127.5).round().to(torch.uint8).movedim(0, -1)
    assert any((shown == torch.from_numpy(image)).all() or (shown.flip(1) == torch.from_numpy(image)).all() for image in real)


def test_a_step_is_planned_before_the_data_set_is_there(tmp_path, monkeypatch):
    from saddlebench.bench.estimate import estimate

    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))
    training_set.cache_clear()
    game = build(
        "game", {"biggan": {"data": "imagenet64", "latent": 120, "generator_width": 4, "discriminator_width": 4, "batch": 8}}
    )
    found = estimate(game, build("optimizer", "adam"))
    assert found.kept_bytes < 5e7  # the images are streamed
    with pytest.raises(InputError, match="data prepare imagenet"):
        game.initial(SEEDS)
    training_set.cache_clear()
