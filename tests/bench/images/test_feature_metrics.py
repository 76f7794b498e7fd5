"""The measures by features on images that are made here, with an extractor of a few numbers: nothing is fetched."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from saddlebench.bench.images import reference
from saddlebench.bench.images.extractors import extract
from saddlebench.bench.images.feature_metrics import FeatureMetrics
from saddlebench.bench.images.frechet import Moments, frechet_distance
from saddlebench.bench.images.halves import Halves
from saddlebench.bench.images.judges import plain_judge
from saddlebench.bench.images.memorisation import Memorisation
from saddlebench.bench.images.pixels import channels_first
from saddlebench.errors import InputError
from saddlebench.games.data import ImageSet


class Quarters:
    """Mean of each quarter of the image, over channels."""

    name = "quarters"
    identity = "quarters 1"
    batch = 7

    def features(self, images: Tensor) -> Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(images.float().mean(1, keepdim=True), 2).flatten(1) / 255


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def images() -> ImageSet:
    """600 pictures whose four quarters are four grey levels."""
    levels = np.random.default_rng(0).integers(0, 256, (600, 2, 2, 3))
    pixels = levels.repeat(4, 1).repeat(4, 2).astype(np.uint8)
    return ImageSet("squares", "train", pixels, (np.arange(600) % 3).astype(np.uint8), "checksum-1")


@pytest.fixture
def metrics(images: ImageSet) -> FeatureMetrics:
    return FeatureMetrics(images, Halves(600, 100, 300), [plain_judge(Quarters(), infinity=True)])


def test_the_distance_is_that_of_the_two_sets_features(metrics: FeatureMetrics, images: ImageSet) -> None:
    halves = Halves(600, 100, 300)
    fake = channels_first(torch.from_numpy(images.images[halves.draws[0].numpy()]))
    real = channels_first(torch.from_numpy(images.images[halves.real.numpy()]))
    expected = frechet_distance(*(Moments.from_features(extract(Quarters(), x)) for x in (fake, real))).item()
    as_floats = fake.float() / 127.5 - 1
    for same in (fake, as_floats, as_floats.double()):
        found = metrics.evaluate(same.unsqueeze(0))
        assert found["fd_quarters"].item() == pytest.approx(expected, rel=1e-12)
    assert list(found) == ["fd_quarters", "fd_quarters_infinity"] == list(metrics.names)


def test_floor_control_and_counts_stand_beside_the_values(metrics: FeatureMetrics) -> None:
    found = metrics.references()
    assert found["fd_quarters_n_real"] == 300
    assert found["fd_quarters_n_fake"] == 100
    assert 0 < found["fd_quarters_floor"] < 0.02 < found["fd_quarters_uniform_noise"]  # noise has no variance over a quarter
    assert abs(found["fd_quarters_infinity_floor"]) < found["fd_quarters_floor"] + 0.01
    assert metrics.extractor == "quarters 1; reference squares train checksum-1"


def test_reference_draws_are_disjoint() -> None:
    halves = Halves(600, 100, 300)
    assert halves.draws.shape == (3, 100)
    assert len(set(halves.real.tolist()) | set(halves.draws.flatten().tolist())) == 600


@pytest.mark.parametrize(
    ("n", "n_fake", "n_real", "expected"),
    [
        (50_000, None, None, (2000, 10_000, 3)),
        (500, None, None, (250, 250, 1)),
        (600, 100, 600, (100, 600, 0)),  # everything is reference: no floor
        (600, 400, None, (400, 200, 1)),
    ],
)
def test_counts(n: int, n_fake: int | None, n_real: int | None, expected: tuple[int, int, int]) -> None:
    halves = Halves(n, n_fake, n_real)
    assert (halves.n_fake, halves.n_real, len(halves.draws)) == expected


@pytest.mark.parametrize(("n_fake", "n_real"), [(1, 50), (100, 601), (600, None), (10, 1)])
def test_counts_that_cannot_be(n_fake: int, n_real: int | None) -> None:
    with pytest.raises(InputError, match="of 600 images at most"):
        Halves(600, n_fake, n_real)


def test_without_images_for_a_floor_there_is_none(images: ImageSet) -> None:
    found = FeatureMetrics(images, Halves(600, 100, 600), [plain_judge(Quarters())]).references()
    assert set(found) == {f"fd_quarters_{part}" for part in ("uniform_noise", "n_real", "n_fake")}


def test_runs_together_are_runs_alone_and_a_lost_one_is_nan(metrics: FeatureMetrics) -> None:
    x = 2 * torch.rand(3, 100, 3, 8, 8, generator=torch.Generator().manual_seed(0)) - 1
    expected = [metrics.evaluate(x[k : k + 1])["fd_quarters"].item() for k in (0, 2)]
    x[1, 5, 0, 0, 0] = torch.nan
    found = metrics.evaluate(x)["fd_quarters"]
    assert found.isnan().tolist() == [False, True, False]
    assert found[[0, 2]].tolist() == pytest.approx(expected)


def test_measures_that_cannot_be_had_are_empty(images: ImageSet) -> None:
    metrics = FeatureMetrics(images, Halves(600, 100, 300), [plain_judge(Quarters())], absent=("fid",))
    found = metrics.evaluate(torch.zeros(1, 100, 3, 8, 8))
    assert found["fid"].isnan().all()
    assert found["fd_quarters"].isfinite().all()
    assert "fid_floor" not in metrics.references()


def test_other_counts_and_shapes_are_refused(metrics: FeatureMetrics) -> None:
    with pytest.raises(ValueError, match="expected n_fake = 100"):
        metrics.evaluate(torch.zeros(1, 99, 3, 8, 8))
    with pytest.raises(ValueError, match="expected \\(runs"):
        metrics.evaluate(torch.zeros(1, 100, 2, 8, 8))


def test_real_features_are_kept_under_what_they_depend_on(images: ImageSet, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.arange(0, 600, 2)
    first = reference.real_features(Quarters(), images, rows)
    with monkeypatch.context() as patch:
        patch.setattr(reference, "extract", lambda *_: pytest.fail("computed again"))
        assert torch.equal(reference.real_features(Quarters(), images, rows), first)
    other = Quarters()
    other.identity = "quarters 2"
    for extractor, source, chosen in (
        (other, images, rows),
        (Quarters(), ImageSet("squares", "train", images.images, images.labels, "checksum-2"), rows),
        (Quarters(), images, rows + 1),
    ):
        before = len(list((cache / "features").iterdir()))
        reference.real_features(extractor, source, chosen)
        assert len(list((cache / "features").iterdir())) == before + 1
    for path in (cache / "features").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert torch.equal(reference.real_features(Quarters(), images, rows), first)  # torn: made anew


@pytest.mark.parametrize(("change", "ratio", "copied"), [(0, 0, 1), (40, 1, 0)], ids=["copies", "new"])
def test_copies_of_training_images_are_seen(images: ImageSet, change: int, ratio: float, copied: float) -> None:
    measure = Memorisation(images, torch.arange(100))
    levels = np.random.default_rng(1).integers(0, 256, (100, 2, 2, 3)).repeat(4, 1).repeat(4, 2).astype(np.uint8)
    fresh = images.images[:100] if change == 0 else levels
    found = measure(channels_first(torch.from_numpy(fresh)), {})
    assert found["nearest_ratio"] == pytest.approx(ratio, abs=0.15)
    assert found["copied_fraction"] == pytest.approx(copied, abs=0.06)
    assert measure.floor()["nearest_ratio"] == 1
    assert measure.floor()["copied_fraction"] == pytest.approx(0.01)


def test_extras_see_bytes_and_features(images: ImageSet) -> None:
    class Probe:
        names = ("brightness",)

        def __call__(self, pictures: Tensor, features: dict[str, Tensor]) -> dict[str, float]:
            assert pictures.dtype == torch.uint8
            return {"brightness": features["quarters"].mean().item()}

        def floor(self) -> dict[str, float]:
            return {"brightness": 0.5}

    metrics = FeatureMetrics(images, Halves(600, 100, 300), [plain_judge(Quarters())], [Probe()])
    assert metrics.evaluate(torch.full((1, 100, 3, 8, 8), -1.0))["brightness"].item() == 0
    assert metrics.references()["brightness_floor"] == 0.5
    assert not math.isnan(metrics.references()["fd_quarters_floor"])
