import pytest
import torch
from torch import Tensor

from saddlebench.bench.images.frechet import Moments, frechet_distance
from saddlebench.bench.images.infinity import frechet_infinity, line_at_zero


def features(n: int, seed: int) -> Tensor:
    return torch.randn(n, 20, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_line_meets_the_axis() -> None:
    x = torch.tensor([0.1, 0.4, 0.9, 2.0], dtype=torch.float64)
    assert line_at_zero(x, 3.5 + 7 * x) == pytest.approx(3.5, rel=1e-12)


def test_the_bias_of_few_images_goes() -> None:
    reference = Moments(10**9, torch.zeros(20).double(), torch.eye(20).double())
    found = torch.tensor([frechet_infinity(features(400, seed), reference) for seed in range(5)])
    biased = frechet_distance(Moments.from_features(features(400, 0)), reference)
    assert biased > 0.3  # 20/400 from the mean and about 20·21/(4·400) from the covariance
    assert abs(found.mean()) < 0.2 * biased  # the next term, of order 1/N², remains


def test_a_true_distance_stays() -> None:
    reference = Moments(10**9, torch.full((20,), 0.5).double(), 4 * torch.eye(20).double())
    assert frechet_infinity(features(2000, 1), reference) == pytest.approx(20 * 0.25 + 20, rel=0.02)


def test_it_repeats_and_refuses_too_few() -> None:
    reference = Moments(10, torch.zeros(20).double(), torch.eye(20).double())
    assert frechet_infinity(features(50, 1), reference) == frechet_infinity(features(50, 1), reference)
    with pytest.raises(ValueError, match="expected at least 20"):
        frechet_infinity(features(9, 1), reference)
