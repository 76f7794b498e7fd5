import math

import pytest
import torch
from torch import Tensor

from saddlebench.bench.images import kernel
from saddlebench.bench.images.kernel import kernel_distance, kernel_distance_of_subsets


def features(n: int, d: int, seed: int, shift: float = 0.0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def test_it_is_the_sum_over_pairs() -> None:
    x, y = features(5, 3, 1), features(4, 3, 2)

    def k(a: Tensor, b: Tensor) -> float:
        return ((a @ b).item() / 3 + 1) ** 3

    xx = sum(k(x[i], x[j]) for i in range(5) for j in range(5) if i != j) / 20
    yy = sum(k(y[i], y[j]) for i in range(4) for j in range(4) if i != j) / 12
    xy = sum(k(a, b) for a in x for b in y) / 20
    assert kernel_distance(x, y) == pytest.approx(xx + yy - 2 * xy, rel=1e-12)


def test_in_one_dimension_it_is_the_moments_distance() -> None:
    # E (xx'+1)³ = Σ binomial(3, k) (E xᵏ)², so MMD² = Σ binomial(3, k) (E xᵏ − E yᵏ)²
    x, y = features(4000, 1, 1), 1 + 0.5 * features(4000, 1, 2)
    expected = sum(math.comb(3, k) * (a - b) ** 2 for k, a, b in ((1, 0, 1), (2, 1, 1.25), (3, 0, 1 + 3 * 0.25)))
    assert kernel_distance(x, y) == pytest.approx(expected, rel=0.1)


def test_it_has_no_bias() -> None:
    values = torch.tensor([kernel_distance(features(20, 4, 2 * s), features(20, 4, 2 * s + 1)) for s in range(400)])
    assert abs(values.mean()) < 3 * values.std() / 20
    assert (values < 0).any()


def test_parts_of_a_kernel_matrix_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = features(23, 6, 1), features(17, 6, 2)
    whole = kernel_distance(x, y)
    monkeypatch.setattr(kernel, "_ROWS", 5)
    assert kernel_distance(x, y) == pytest.approx(whole, rel=1e-12)


def test_torch_fidelity_agrees() -> None:
    peer = pytest.importorskip("torch_fidelity.metric_kid")
    x, y = features(60, 12, 1), features(60, 12, 2, 0.3)
    ours = kernel_distance(x, y)
    theirs = peer.kernel_mmd(x.numpy(), y.numpy(), kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_coef0=1)
    assert ours == pytest.approx(theirs, rel=1e-10)
    mean, std = kernel_distance_of_subsets(x, y, subsets=200, size=30)
    found = peer.kid_features_to_metric(
        x, y, kid_subsets=200, kid_subset_size=30, kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_coef0=1
    )
    assert mean == pytest.approx(found["kernel_inception_distance_mean"], abs=4 * std / 200**0.5)
    assert std == pytest.approx(found["kernel_inception_distance_std"], rel=0.25)


def test_torchmetrics_agrees() -> None:
    from torchmetrics.image.kid import poly_mmd

    x, y = features(60, 12, 1), features(60, 12, 2, 0.3)
    assert kernel_distance(x, y) == pytest.approx(poly_mmd(x, y).item(), rel=1e-10)


def test_subsets_repeat_and_small_sets_are_taken_whole() -> None:
    x, y = features(30, 4, 1), features(25, 4, 2)
    assert kernel_distance_of_subsets(x, y, 3, 10) == kernel_distance_of_subsets(x, y, 3, 10)
    mean, std = kernel_distance_of_subsets(x, y, 3, 100)
    assert mean == pytest.approx(kernel_distance(x, y), rel=1e-12)
    assert std < 1e-12


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        kernel_distance(torch.zeros(1, 3), torch.zeros(5, 3))
    x = features(5, 3, 1)
    x[0, 0] = torch.nan
    assert math.isnan(kernel_distance(x, features(5, 3, 2)))
