"""torch-fidelity's Inception on random weights: the standard ones cannot be had everywhere, and what is shown here needs none."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

pytest.importorskip("torch_fidelity", reason="the extra [fid] is not installed")

from saddlebench.bench.images import inception as module
from saddlebench.bench.images.extractors import extract
from saddlebench.bench.images.inception import STANDARD, VARIABLE, Inception, inception, inception_score
from saddlebench.bench.images.judges import inception_judge
from saddlebench.errors import InputError
from saddlebench.games.data import SourceError


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state that fits torch-fidelity's network, drawn at random."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with torch.random.fork_rng(devices=[]), pytest.MonkeyPatch.context() as patch:
        torch.manual_seed(0)
        kept: dict[str, Tensor] = {}

        def keep(self: torch.nn.Module, _state: object) -> None:
            kept.update(self.state_dict())

        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", keep)
        FeatureExtractorInceptionV3("inception", ["2048"])
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(kept, path)
    return path


@pytest.fixture
def fresh() -> Iterator[None]:
    inception.cache_clear()
    yield
    inception.cache_clear()


def images(n: int, seed: int) -> Tensor:
    return torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.usefixtures("fresh")
def test_features_logits_and_distance_are_torch_fidelitys(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    monkeypatch.setenv(VARIABLE, str(weights))
    extractor = inception()
    assert extractor.identity.endswith(hashlib.sha256(weights.read_bytes()).hexdigest())
    peer = FeatureExtractorInceptionV3("peer", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(weights))
    real, fake = images(10, 1), images(10, 2)[:, :1].expand(-1, 3, -1, -1)
    features = extract(extractor, fake)
    theirs, logits = peer(fake)
    assert torch.allclose(features, theirs, rtol=1e-4, atol=1e-6)
    assert torch.allclose(extractor.logits(features).float(), logits, rtol=1e-3, atol=1e-5)
    assert torch.allclose(extract(extractor, fake[:, :1]), features)  # grey images are made RGB

    # The measures of the first 128 features: a Fréchet distance of all 2048 takes half a minute.
    few, reference = features[:, :128], extract(extractor, real)[:, :128]
    extractor.network.fc.weight = torch.nn.Parameter(extractor.network.fc.weight[:, :128], requires_grad=False)
    judge = inception_judge(extractor)
    found = judge.fit(reference, 10)(few)
    assert judge.names == tuple(found) == ("fid_other_weights", "kid_other_weights", "inception_score_other_weights")
    statistics = [fid_features_to_statistics(x) for x in (few, reference)]
    expected = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert found["fid_other_weights"] == pytest.approx(expected, rel=1e-3)
    settings = {
        "kid_subsets": 1,
        "kid_subset_size": 10,
        "kid_kernel": "poly",
        "kid_kernel_poly_degree": 3,
        "kid_kernel_poly_coef0": 1,
    }
    kernel = kid_features_to_metric(few, reference, **settings)["kernel_inception_distance_mean"]
    assert found["kid_other_weights"] == pytest.approx(kernel, rel=1e-3)
    peers = isc_features_to_metric(extractor.logits(few), splits=1)["inception_score_mean"]
    assert inception_score(extractor.logits(few), splits=1)[0] == pytest.approx(peers, rel=1e-9)


def test_torchmetrics_resizes_alike_without_antialiasing(weights: Path) -> None:
    """The choice of `antialias`, which newer versions default to True, is the one between its number and ours."""
    from torchmetrics.image.fid import NoTrainInceptionV3

    small = images(2, 3)
    found = extract(Inception(weights), small)
    theirs = NoTrainInceptionV3("peer", ["2048"], feature_extractor_weights_path=str(weights))(small)
    assert torch.allclose(theirs, found, rtol=1e-4, atol=1e-6)


def test_only_the_standard_weights_give_measures_called_fid(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(STANDARD) == 8
    assert not Inception(weights).standard
    monkeypatch.setattr(module, "STANDARD", hashlib.sha256(weights.read_bytes()).hexdigest()[:8])
    assert inception_judge(Inception(weights), infinity=True).names == ("fid", "fid_infinity", "kid", "inception_score")


def test_the_score_of_parts() -> None:
    sure = 1000 * torch.eye(4, dtype=torch.float64)[torch.arange(400) % 4]
    mean, std = inception_score(sure)
    assert mean == pytest.approx(4, rel=0.05)
    assert std < 0.2
    assert inception_score(torch.zeros(40, 4)) == (pytest.approx(1), pytest.approx(0, abs=1e-12))
    with pytest.raises(ValueError, match="10 parts"):
        inception_score(torch.zeros(9, 4))


def test_weights_that_cannot_be_read_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "torn.pth").write_bytes(b"no weights")
    for name in ("torn.pth", "absent.pth"):
        with pytest.raises(InputError, match=f"cannot read Inception's weights from .*{name}") as caught:
            Inception(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("fresh")
def test_weights_that_cannot_be_fetched_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise SourceError("no route")

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(module, "run_child", unreachable)
    with pytest.raises(InputError, match=f"cannot fetch them \\(no route\\); put weights-inception.*{VARIABLE}"):
        inception()
