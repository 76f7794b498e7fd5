import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from saddlebench.bench.images import lenet_metrics
from saddlebench.bench.images.frechet import Moments, frechet_distance
from saddlebench.bench.images.lenet_metrics import MEASURES, LeNetMetrics, class_measures, real_outputs
from saddlebench.errors import InputError
from saddlebench.games.data import fetch
from saddlebench.games.networks.lenet import LENETS, extract, load_extractor

EXTRACTOR_HASH = LENETS["mnist"].sha256
Splits = dict[str, tuple[Tensor, Tensor]]
N = 1000


@pytest.fixture(scope="module")
def metrics(mnist: Splits) -> LeNetMetrics:
    assert mnist
    return LeNetMetrics(n_fake=N)


@pytest.fixture
def other_cache(mnist: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data cache that holds MNIST and no features yet."""
    assert mnist
    (tmp_path / "mnist").symlink_to(fetch("mnist"), target_is_directory=True)
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path))
    real_outputs.cache_clear()
    yield tmp_path
    real_outputs.cache_clear()


def test_the_measures_rank_what_they_must(metrics: LeNetMetrics, mnist: Splits) -> None:
    images, labels = mnist["train"]
    floor, control = metrics.floor, metrics.control
    no_seven = metrics(images[labels != 7][:N])
    one_only = metrics(images[labels == 1][:N])
    assert set(floor) == set(MEASURES["mnist"])
    ordered = [floor, no_seven, control["noisy-real"], control["uniform-noise"]]
    distances = [values["fd_lenet"] for values in ordered]
    assert distances == sorted(distances)
    assert distances[0] < 4 < 20 * distances[0] < distances[-1]
    assert control["gaussian-noise"]["fd_lenet"] > 20 * floor["fd_lenet"]
    assert one_only["fd_lenet"] > control["noisy-real"]["fd_lenet"]
    assert floor["digits_present"] == 10
    assert no_seven["digits_present"] == 9
    assert one_only["digits_present"] == 1
    assert floor["class_entropy"] == pytest.approx(math.log(10), abs=0.03)
    assert floor["classifier_score"] > 9.3 > 2 > control["uniform-noise"]["classifier_score"]


def test_clothing_has_measures_of_its_own_network(fashion: Splits) -> None:
    images, labels = fashion["train"]
    metrics = LeNetMetrics(n_fake=N, data="fashion-mnist")
    assert metrics.names == MEASURES["fashion-mnist"]
    no_bags = metrics(images[labels != 8][:N])
    distances = [metrics.floor, no_bags, metrics.control["noisy-real"], metrics.control["uniform-noise"]]
    ordered = [values["fd_lenet_fashion"] for values in distances]
    assert ordered == sorted(ordered)
    assert 5 * ordered[0] < ordered[1]
    assert metrics.floor["classes_present"] == 10
    assert no_bags["classes_present"] == 9
    assert LENETS["fashion-mnist"].sha256 in metrics.extractor
    assert set(metrics.references()) == {f"fd_lenet_fashion_{part}" for part in ("floor", "uniform_noise", "n_real", "n_fake")}


def test_the_floor_falls_like_one_over_n(metrics: LeNetMetrics) -> None:
    more = LeNetMetrics(n_fake=4 * N)
    assert more.floor["fd_lenet"] == pytest.approx(metrics.floor["fd_lenet"] / 4, rel=0.35)
    assert 0 < metrics.floor_std["fd_lenet"] < metrics.floor["fd_lenet"]
    assert math.isnan(LeNetMetrics(n_fake=30_000).floor_std["fd_lenet"])  # the half holds one draw


def test_the_distance_is_that_of_the_two_sets_features(metrics: LeNetMetrics, mnist: Splits) -> None:
    images = mnist["test"][0][:N]
    real, held_out = lenet_metrics._halves("mnist", "train")
    assert len(set(real.tolist()) | set(held_out.tolist())) == 60_000
    net = load_extractor()
    expected = frechet_distance(
        Moments.from_features(extract(net, images)[0]), Moments.from_features(extract(net, mnist["train"][0][real])[0])
    )
    assert metrics(images)["fd_lenet"] == pytest.approx(expected.item(), rel=1e-6)


def test_runs_together_are_runs_alone(metrics: LeNetMetrics, mnist: Splits) -> None:
    images = (mnist["test"][0][: 3 * N].float() / 127.5 - 1).view(3, N, 784)
    together = metrics.evaluate(images)
    for run in range(3):
        assert {name: values[run].item() for name, values in together.items()} == pytest.approx(metrics(images[run]), rel=1e-5)


def test_a_diverged_run_is_nan_and_alone(metrics: LeNetMetrics, mnist: Splits) -> None:
    images = (mnist["test"][0][: 2 * N].float() / 127.5 - 1).view(2, N, 784)
    expected = metrics(images[1])
    images[0, 17, 300] = torch.inf
    found = metrics.evaluate(images)
    for name in MEASURES["mnist"]:
        assert found[name][0].isnan()
        assert found[name][1].item() == pytest.approx(expected[name], rel=1e-5)


@pytest.mark.parametrize("classes", [1, 4, 10])
def test_even_and_sure_classes(classes: int) -> None:
    logits = 1000 * torch.eye(10)[torch.arange(40) % classes]
    found = class_measures(logits)
    assert found["classes_present"].item() == classes
    assert found["class_entropy"].item() == pytest.approx(math.log(classes), abs=1e-12)
    assert found["classifier_score"].item() == pytest.approx(classes)


def test_the_score_of_an_unsure_classifier_is_one() -> None:
    assert class_measures(torch.zeros(7, 10))["classifier_score"].item() == pytest.approx(1)


def test_the_score_by_hand() -> None:
    p = torch.tensor([[0.9, 0.1], [0.2, 0.8]], dtype=torch.float64)
    marginal = p.mean(0)
    expected = (p * (p / marginal).log()).sum(1).mean().exp().item()
    assert class_measures(p.log())["classifier_score"].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("of_class_1", "present"), [(2, 2), (1, 1)])
def test_a_class_is_present_from_one_percent_on(of_class_1: int, present: int) -> None:
    assigned = torch.zeros(200, dtype=torch.long)
    assigned[:of_class_1] = 1
    assert class_measures(torch.eye(10)[assigned])["classes_present"].item() == present


def test_every_value_has_its_provenance(metrics: LeNetMetrics) -> None:
    assert metrics.extractor == f"lenet-mnist sha256:{EXTRACTOR_HASH}; reference mnist train"
    assert metrics.provenance == {
        "extractor": metrics.extractor,
        "n_real": 30_000,
        "n_fake": N,
        "reference": "mnist-train-half",
    }
    test = LeNetMetrics(n_fake=10, reference="test").provenance
    assert (test["n_real"], test["reference"]) == (5_000, "mnist-test-half")


def test_counts_that_cannot_be_compared_are_refused(metrics: LeNetMetrics) -> None:
    with pytest.raises(ValueError, match="expected n_fake"):
        metrics(torch.zeros(N - 1, 784))
    for n in (1, 30_001):
        with pytest.raises(InputError, match="from 2 to 30000"):
            LeNetMetrics(n_fake=n)
    with pytest.raises(InputError, match="split"):
        LeNetMetrics(reference="all")  # pyright: ignore[reportArgumentType]


def test_real_features_are_kept_on_disk(other_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = real_outputs("test")
    (path,) = (other_cache / "features").iterdir()

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    real_outputs.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(lenet_metrics, "extract", never)
        for first, second in zip(computed, real_outputs("test"), strict=True):
            assert torch.equal(first, second)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    for damaged in (content, content[:1000], b""):
        path.write_bytes(damaged)
        real_outputs.cache_clear()
        assert torch.equal(real_outputs("test")[0], computed[0])


def test_a_cache_that_cannot_be_written_is_no_error(other_cache: Path) -> None:
    (other_cache / "features").write_text("in the way")
    assert real_outputs("test")[0].shape == (10_000, 64)


def test_the_global_generator_is_left_alone(mnist: Splits) -> None:
    assert mnist
    before = torch.random.get_rng_state()
    assert LeNetMetrics(n_fake=20).control
    assert torch.equal(torch.random.get_rng_state(), before)
