"""GANs on images: what they draw, what they show, what they carry; the contract in every setting whose code is its own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from saddlebench.bench.build import build
from saddlebench.bench.contracts import check_game
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import map_tensors
from saddlebench.errors import InputError
from saddlebench.games.data import available, image_facts
from saddlebench.games.data import cache as data_cache
from saddlebench.games.image_data import training_set

SEEDS = torch.tensor([2, 4, 8])
SMALL = {"latent": 4, "generator_width": 2, "discriminator_width": 2, "side": 16, "batch": 6, "initialisation": "xavier"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """60 colour pictures in three classes of 20; picture k of 0 … 59 has red = 4k on the left, 0 on the right."""
    home = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    for k in range(60):
        pixels = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        pixels[..., 0] = 0
        pixels[:, :8, 0] = 4 * k
        (home / f"class {k // 20}").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(home / f"class {k // 20}" / f"{k:02}.png")
    return home


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def game(pictures, cache, monkeypatch):
    """A small game on the pictures by its name and parameters; the data cache is one of this file's own."""
    monkeypatch.setenv("SADDLEBENCH_DATA", str(cache))
    training_set.cache_clear()
    return lambda name="cifar10-dcgan", **parameters: build("game", {name: SMALL | {"data": str(pictures)} | parameters})


def numbers(images):
    """Which picture each image is, and whether it is mirrored."""
    red = ((images[:, :, 0, 0] + 1) * 127.5).round()  # the first row's
    mirrored = red[..., 0] < red[..., -1]
    return (red.amax(-1) / 4).long(), mirrored


def double(tree):
    return map_tensors(lambda x: x.double() if x.is_floating_point() else x, tree)


def spot(game, step=0):
    """Profile, sample and buffers in float64."""
    w = double(game.initial(SEEDS))
    return w, double(game.sample(SEEDS, step, 0)), game.buffers(w, SEEDS)


# Facts of the images


def test_number_form_and_classes_come_from_the_images(game):
    folder = game(conditional=True)
    assert (folder.facts.items, folder.shape, folder.classes, folder.items) == (60, (3, 16), 3, 60)
    assert game(side=0, latent=3).shape == (3, 32)  # of cifar10-dcgan's usual images
    assert game("mnist-dcgan", side=0).shape == (1, 28)
    assert game(channels=1).shape == (1, 16)
    assert game().classes == 0


def test_games_on_data_sets_are_made_without_opening_any(monkeypatch, tmp_path):
    """Listing games and reading results must not need the images: `ready` does, and says what to do."""
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))

    def opened(*_):
        raise AssertionError("an array was opened")

    for name, data, facts in (
        ("mnist-dcgan", "mnist", (60000, (1, 28), 10)),
        ("mnist-dcgan", "fashion-mnist", (60000, (1, 28), 10)),
        ("fashion-mnist-dcgan", "fashion-mnist", (60000, (1, 28), 10)),
        ("cifar10-dcgan", "cifar10", (50000, (3, 32), 10)),
        ("cifar10-resnet", "cifar10", (50000, (3, 32), 10)),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(data_cache, "open_array", opened)
            made = build("game", {name: {"data": data, "conditional": True}})
            assert (made.items, made.shape, made.classes) == facts
            assert min(made.sizes) > 100_000
            assert made.image_measures == f"{data}?labels=in-turn"
        with pytest.raises(InputError, match=f"saddlebench data fetch {data}"):
            made.ready()
        with pytest.raises(InputError, match=f"saddlebench data fetch {data}"):
            made.initial(SEEDS)


def test_facts_are_those_of_the_arrays():
    for name in ("mnist", "fashion-mnist", "cifar10"):
        if not available(name):
            pytest.skip(f"{name} is not in the data cache")
        facts = image_facts(name)
        found = training_set(name, facts.side, facts.channels, torch.device("cpu"))
        pixels, labels = found.pixels, found.labels
        assert pixels is not None
        assert pixels.shape == (facts.items, facts.channels, facts.side, facts.side)
        assert sorted(labels.unique().tolist()) == list(range(facts.classes))
        assert pixels.dtype == torch.uint8
    training_set.cache_clear()


def test_published_sizes():
    made = {
        "cifar10-dcgan": (3_812_355, 2_931_009),
        "cifar10-resnet": (4_276_739, 1_053_825),
    }
    for name, sizes in made.items():
        assert build("game", name).sizes == sizes
    assert build("game", {"cifar10-resnet": {"conditional": True}}).sizes == (4_304_387, 1_055_105)


def test_image_measures_are_asked_for_with_the_form(game, pictures):
    assert game().image_measures == f"{pictures}?side=16&channels=3"
    asked = game(conditional=True, metrics="n_fake=20").image_measures
    assert asked == f"{pictures}?side=16&channels=3&n_fake=20&labels=in-turn"
    assert game(metrics="none").image_measures == ""
    assert build("game", {"cifar10-dcgan": {"metrics": "n_fake=500"}}).image_measures == "cifar10?n_fake=500"
    assert build("game", {"cifar10-dcgan": {"side": 16}}).image_measures == "cifar10?side=16&channels=3"


def test_bad_settings_are_refused(game, pictures, tmp_path):
    for parameters, message in (
        ({"batch": 61}, "a batch of 61 is larger than the data set of 60"),
        ({"micro_batches": 4}, "a batch of 6 cannot be cut into 4 equal parts"),
        ({"side": 30}, "images of side 30 cannot be made by doubling"),
        ({"data": "cifra10"}, "did you mean 'cifar10'"),
        ({"data": str(tmp_path / "nowhere")}, "is not there: expected a folder of images"),
        ({"data": str(tmp_path)}, "no images in"),
        ({"data": str(pictures / "class 0"), "conditional": True}, "has no classes to be told"),
        ({"channels": 2}, "channels = 2: should be 0, 1 or 3"),
        ({"side": -1}, "side = -1"),
    ):
        with pytest.raises(InputError, match=message):
            game(**parameters)
    (tmp_path / "torn.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot read the image"):
        game(data=str(tmp_path), batch=1).ready()


# Samples


def test_an_epoch_shows_every_picture_once_with_its_class(game):
    made = game(conditional=True)
    assert made.steps_per_epoch == 10
    for epoch in (0, 3):
        batches = [made.sample(SEEDS, step + 10 * epoch, 0) for step in range(10)]
        shown = torch.cat([numbers(batch.real)[0] for batch in batches], 1)
        labels = torch.cat([batch.labels for batch in batches], 1)
        for run in shown:
            assert torch.equal(run.sort().values, torch.arange(60))
        assert torch.equal(labels, shown // 20)
    assert game().sample(SEEDS, 0, 0).labels is None


def test_images_are_the_pictures_in_minus_one_to_one(game, pictures):
    images = game(batch=60).sample(SEEDS, 0, 0).real
    assert images.shape == (3, 60, 3, 16, 16)
    assert images.dtype == torch.float32
    which, mirrored = numbers(images)
    assert not mirrored.any()
    for k in (0, 31, 59):
        picture = torch.from_numpy(np.asarray(Image.open(pictures / f"class {k // 20}" / f"{k:02}.png")).copy())
        expected = picture.permute(2, 0, 1) / 127.5 - 1
        torch.testing.assert_close(images[1][which[1] == k][0], expected)


def test_flip_mirrors_about_half_and_leaves_the_rest(game):
    plain, flipped = game(batch=60), game(batch=60, flip=True)
    share = []
    for step in range(5):
        a, b = plain.sample(SEEDS, step, 0).real, flipped.sample(SEEDS, step, 0).real
        mirrored = torch.stack([(x.flip(-1) == y).flatten(2).all(-1) for x, y in ((a, b),)])[0]
        assert torch.equal(b[~mirrored], a[~mirrored])
        share.append(float(mirrored.float().mean()))
    assert np.mean(share) == pytest.approx(0.5, abs=0.06)


# What is shown


@pytest.mark.parametrize("name", ["cifar10-dcgan", "cifar10-resnet"])
@pytest.mark.parametrize("conditional", [False, True])
def test_shown_images_do_not_depend_on_how_many_or_on_their_neighbours(game, name, conditional):
    made = game(name, conditional=conditional)
    w = double(made.initial(SEEDS))
    buffers = made.buffers(w, SEEDS)
    many = made.samples(w, SEEDS, 9, buffers)
    assert many.shape == (3, 9, 3, 16, 16)
    assert float(many.abs().max()) <= 1
    torch.testing.assert_close(made.samples(w, SEEDS, 4, buffers), many[:, :4], rtol=1e-12, atol=1e-12)
    alone = made.samples(tuple(x[1:2] for x in w), SEEDS[1:2], 9, tuple(b[1:2] for b in buffers))
    torch.testing.assert_close(alone, many[1:2], rtol=1e-11, atol=1e-12)


def test_a_conditional_game_shows_its_classes_in_turn_across_chunks(game):
    """The last norm's gains and biases of class 1 change the images 1, 4, 7, … and no others; 250 images are made at a time."""
    made = game(conditional=True, generator_width=1, latent=2)
    w = double(made.initial(SEEDS[:1]))
    before, moved = made.samples(w, SEEDS[:1], 260), w[0].clone()
    views = made.networks[0].scope(moved).weights
    last = [n for n in views if "norm" in n and n.endswith("bias")][-1]
    views[last][:, 1] += 1.0
    changed = (made.samples((moved, w[1]), SEEDS[:1], 260) != before).flatten(2).any(-1)[0]
    assert changed.tolist() == [i % 3 == 1 for i in range(260)]


def test_standing_moments_see_every_class_however_small_the_batch(game):
    """A class beyond the batch's size has its part in the moments: moving its first norm moves images of other classes."""
    made = game(conditional=True, batch=2)
    w = double(made.initial(SEEDS[:1]))
    before, moved = made.samples(w, SEEDS[:1], 2), w[0].clone()
    views = made.networks[0].scope(moved).weights
    views["norm0.bias"][:, 2] += 1.0
    assert not torch.isclose(before, made.samples((moved, w[1]), SEEDS[:1], 2)).all()


def test_grey_images_have_no_axis_of_channels(game):
    made = game(channels=1)
    assert made.samples(made.initial(SEEDS), SEEDS, 2).shape == (3, 2, 16, 16)


# Buffers


@pytest.mark.parametrize(("name", "norm"), [("cifar10-resnet", "spectral"), ("cifar10-dcgan", "spectral")])
def test_power_iteration_advances_with_committed_moves_only(game, name, norm):
    made = game(name, norm=norm)
    w = made.initial(SEEDS)
    buffers = made.buffers(w, SEEDS)
    kept = tuple(b.clone() for b in buffers)
    oracle = Oracle.at_step(made, SEEDS, 0, buffers, Counts(2))
    first = oracle.field(w)
    away = tuple(x - 0.1 * v for x, v in zip(w, first, strict=True))
    oracle.field(away)
    oracle.at(away).vjp(first)
    assert all(torch.equal(a, b) for a, b in zip(oracle.field(w), first, strict=True))  # bit for bit
    assert oracle.fresh().buffers is buffers
    later = oracle.fresh(away)
    assert all(torch.equal(a, b) for a, b in zip(buffers, kept, strict=True))
    assert not torch.equal(later.buffers[1], buffers[1])
    expected = made.networks[1].iterate(away[1], buffers[1])
    assert torch.equal(later.buffers[1], expected)
    assert all(torch.equal(a, b) for a, b in zip(oracle.field(w), first, strict=True))  # the earlier view is as it was


@pytest.mark.parametrize("name", ["cifar10-resnet", "cifar10-dcgan"])
def test_historical_means_are_those_of_all_profiles_so_far(game, name):
    made = game(name, historical_averaging=0.3)
    plain = game(name)
    past = [double(made.initial(SEEDS))]
    buffers = made.buffers(past[0], SEEDS)
    for k in range(6):
        past.append(tuple((x * (k + 2)).cos() for x in past[-1]))
        buffers = made.advance(past[-1], buffers)
    means = [torch.stack(player).mean(0) for player in zip(*past, strict=True)]
    torch.testing.assert_close(buffers[2:4], tuple(means), rtol=1e-12, atol=1e-12)
    w, sample = past[-1], double(made.sample(SEEDS, 0, 0))
    added = [a - b for a, b in zip(made.losses(w, sample, buffers), plain.losses(w, sample, buffers[:2]), strict=True)]
    for i in range(2):
        torch.testing.assert_close(added[i], 0.3 * (w[i] - means[i]).square().sum(-1), rtol=1e-9, atol=1e-9)


def test_a_game_without_spectral_norm_carries_nothing(game):
    made = game()
    w = made.initial(SEEDS)
    assert made.buffers(w, SEEDS) == ()
    assert made.advance(w, ()) == ()


# Losses


EVERYTHING = {
    "gradient_penalty": 0.5,
    "dragan": 0.5,
    "r1": 0.5,
    "r2": 0.5,
    "feature_matching": 0.5,
    "historical_averaging": 0.01,
    "instance_noise": 0.2,
    "label_smoothing": 0.1,
}


@pytest.mark.parametrize(
    ("name", "parameters"), [("cifar10-dcgan", EVERYTHING | {"norm": "none"}), ("cifar10-resnet", {"r1": 1.0})]
)
def test_micro_batches_are_the_mean_over_the_parts(game, name, parameters):
    whole, cut = game(name, **parameters, conditional=True), game(name, **parameters, conditional=True, micro_batches=2)
    w, sample, buffers = spot(whole)
    u = tuple(x.cos() for x in w)

    def of(made, part):
        oracle = Oracle.at_step(made, SEEDS, 0, buffers, Counts(2))
        oracle.stream.samples[0] = part
        point = oracle.at(w)
        return [*made.losses(w, part, buffers), *point.v, *point.vjp(u), *point.jvp(u)]

    def half(k):
        keep = slice(3 * k, 3 * k + 3)
        draws = tuple(None if d is None else d[:, keep] for d in sample.draws)
        rows = {"latents": sample.latents, "real": sample.real, "labels": sample.labels}
        blur = None if sample.blur is None else sample.blur[:, :, keep]
        return sample._replace(**{key: x[:, keep] for key, x in rows.items()}, blur=blur, draws=draws)

    expected = [(a + b) / 2 for a, b in zip(of(whole, half(0)), of(whole, half(1)), strict=True)]
    torch.testing.assert_close(of(cut, sample), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("optimizer", ["adam", "extragradient", "consensus"])
def test_bfloat16_convolutions_keep_everything_else_in_float32(game, optimizer):
    full, half = game(), game(precision="bfloat16")
    w, sample = full.initial(SEEDS), full.sample(SEEDS, 0, 0)
    a, b = (torch.stack(g.losses(w, sample, ())) for g in (full, half))
    assert b.dtype == torch.float32
    torch.testing.assert_close(a, b, rtol=0.05, atol=0.05)
    assert not torch.equal(a, b)
    fields = [torch.cat(Oracle.at_step(g, SEEDS, 0, (), Counts(2)).field(w), 1) for g in (full, half)]
    cosine = torch.nn.functional.cosine_similarity(*fields)
    assert fields[1].dtype == torch.float32
    assert float(cosine.min()) > 0.98
    method = build("optimizer", optimizer)
    oracle = Oracle.at_step(half, SEEDS, 0, (), Counts(2))
    moved, _ = method.step(oracle, w, method.init(oracle, w))
    assert all(x.dtype == torch.float32 and bool(x.isfinite().all()) for x in moved)


@pytest.mark.parametrize(
    ("name", "norm"), [("cifar10-dcgan", "batch"), ("cifar10-dcgan", "spectral"), ("cifar10-resnet", "spectral")]
)
def test_three_seeds_at_once_are_three_alone_over_ten_steps(game, name, norm):
    made, adam = game(name, norm=norm, conditional=True), build("optimizer", {"adam": {"step_size": 1e-3}})

    def played(seeds):
        w, counts = made.initial(seeds), Counts(2)
        buffers = made.buffers(w, seeds)
        state = adam.init(Oracle.at_step(made, seeds, 0, buffers, counts), w)
        for step in range(10):
            w, state = adam.step(Oracle.at_step(made, seeds, step, buffers, counts), w, state)
            buffers = made.advance(w, buffers)
        return w

    together = played(SEEDS)
    for run in range(3):
        alone = played(SEEDS[run : run + 1])
        torch.testing.assert_close(tuple(x[run : run + 1] for x in together), alone, rtol=1e-5, atol=1e-5)


# The contract, in settings whose code the small ones of the catalogue do not reach

WGAN_GP = {"norm": "none", "pool": "mean", "loss": "wasserstein", "gradient_penalty": 10.0}
VARIANTS = {
    "mnist-dcgan in grey, hinge": ("mnist-dcgan", {"loss": "hinge"}),
    "conditional dcgan": ("cifar10-dcgan", {"conditional": True}),
    "spectral dcgan, conditional": ("cifar10-dcgan", {"norm": "spectral", "conditional": True}),
    "dcgan with minibatch discrimination": ("cifar10-dcgan", {"kernels": 3, "flip": True}),
    "dcgan with virtual batch norm": ("cifar10-dcgan", {"generator_norm": "virtual", "latent_law": "uniform"}),
    "conditional resnet": ("cifar10-resnet", {"conditional": True}),
    "wgan-gp resnet": ("cifar10-resnet", WGAN_GP),
    "clipped wgan": ("cifar10-dcgan", {"loss": "wasserstein", "clip": 0.1, "norm": "none"}),
    "micro-batches": ("cifar10-resnet", {"micro_batches": 2}),
    "everything": ("cifar10-dcgan", EVERYTHING | {"norm": "spectral", "batch": 3}),
}


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_contract(game, variant):
    name, parameters = VARIANTS[variant]
    failed = [f for f in check_game(game(name, **parameters)) if f.status == "failed"]
    assert not failed, failed
