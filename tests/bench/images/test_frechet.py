import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saddlebench.bench.images.frechet import Moments, frechet_distance


def moments(mean: object, cov: object) -> Moments:
    return Moments(100, torch.tensor(mean, dtype=torch.float64), torch.tensor(cov, dtype=torch.float64))


def features(n: int, d: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return torch.randn(n, d, generator=generator, dtype=torch.float64) @ mix + seed


def test_one_dimension() -> None:
    # (m₁ − m₂)² + (s₁ − s₂)²
    assert frechet_distance(moments([1.0], [[4.0]]), moments([-2.0], [[0.25]])).item() == pytest.approx(9 + 1.5**2)


def test_commuting_covariances() -> None:
    # ‖Δμ‖² + Σ (√a_i − √b_i)², in a rotated basis
    rotation, _ = torch.linalg.qr(features(5, 5, 3))
    a, b = torch.tensor([1.0, 4, 9, 0, 2]).double(), torch.tensor([4.0, 1, 0, 0, 3]).double()
    zero = torch.zeros(5).double()
    distance = frechet_distance(Moments(9, zero, rotation * a @ rotation.T), Moments(9, zero + 1, rotation * b @ rotation.T))
    assert distance.item() == pytest.approx(5 + (a.sqrt() - b.sqrt()).square().sum().item())


def test_two_dimensions() -> None:
    a, b = moments([0, 1], [[2, 0.5], [0.5, 1]]), moments([2, -1], [[1, -0.3], [-0.3, 3]])
    distance = frechet_distance(a, b).item()
    assert distance == pytest.approx(8.929311854967773, rel=1e-13)
    # Tr (C₁C₂)^½ = √(Tr C₁C₂ + 2 √det C₁C₂)
    product = a.cov @ b.cov
    root = math.sqrt(product.trace().item() + 2 * math.sqrt(torch.linalg.det(product).item()))
    assert distance == pytest.approx(8 + 3 + 4 - 2 * root, rel=1e-12)


def test_moments_are_numpys() -> None:
    x = features(30, 6, 1)
    found = Moments.from_features(x)
    assert found.n == 30
    assert np.allclose(found.mean, x.numpy().mean(0), rtol=1e-13)
    assert np.allclose(found.cov, np.cov(x.numpy(), rowvar=False), rtol=1e-12)


def test_a_common_offset_costs_no_digits() -> None:
    x, y = features(200, 6, 1), features(200, 6, 2)
    near = frechet_distance(Moments.from_features(x), Moments.from_features(y))
    far = frechet_distance(Moments.from_features(x + 1e6), Moments.from_features(y + 1e6))
    assert far.item() == pytest.approx(near.item(), rel=1e-8)


def test_it_is_symmetric_and_zero_only_on_the_diagonal() -> None:
    x, y = Moments.from_features(features(50, 8, 1)), Moments.from_features(features(50, 8, 2))
    assert frechet_distance(x, y).item() == pytest.approx(frechet_distance(y, x).item(), rel=1e-12)
    assert frechet_distance(x, y) > 0.1
    assert abs(frechet_distance(x, x).item()) < 1e-12 * x.cov.trace()


def test_fewer_vectors_than_features_keep_their_digits() -> None:
    x = Moments.from_features(features(10, 60, 1))
    assert abs(frechet_distance(x, x).item()) < 1e-12 * x.cov.trace()  # 1e-8 by roots of eigenvalues


def test_a_batch_is_its_members_and_broadcasts() -> None:
    sets = torch.stack([features(40, 5, seed) for seed in (1, 2, 3)])
    reference = Moments.from_features(features(40, 5, 4))
    together = frechet_distance(Moments.from_features(sets), reference)
    alone = [frechet_distance(Moments.from_features(x), reference).item() for x in sets]
    assert together.tolist() == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_set_that_is_not_finite_is_nan_alone(bad: float) -> None:
    sets = torch.stack([features(40, 5, seed) for seed in (1, 2, 3)])
    reference = Moments.from_features(features(40, 5, 4))
    expected = frechet_distance(Moments.from_features(sets), reference)
    sets[1, 7, 2] = bad
    found = frechet_distance(Moments.from_features(sets), reference)
    assert found.isnan().tolist() == [False, True, False]
    assert torch.equal(found[[0, 2]], expected[[0, 2]])


def test_one_vector_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        Moments.from_features(torch.zeros(1, 3))


def test_torchmetrics_agrees() -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Flat(nn.Module):
        num_features = 12

        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1)

    metric = FrechetInceptionDistance(feature=Flat(), normalize=True).set_dtype(torch.float64)
    real, fake = (features(300, 12, seed) for seed in (1, 2))
    metric.update(real.view(-1, 3, 2, 2), real=True)
    metric.update(fake.view(-1, 3, 2, 2), real=False)
    ours = frechet_distance(Moments.from_features(real), Moments.from_features(fake)).item()
    assert ours == pytest.approx(metric.compute().item(), rel=1e-6)
