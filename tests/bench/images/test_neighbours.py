import math

import pytest
import torch
from torch import Tensor

from saddlebench.bench.images import neighbours
from saddlebench.bench.images.neighbours import nearest, normalised, prdc, squared_distances


def features(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_by_hand_on_a_line() -> None:
    # k = 1: real balls [−1,1], [0,2]∪…: radii 1, 1, 2 around 0, 1, 3; fake balls: radii .5, .5, 9.5 around .5, 1, 10.5
    real, fake = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[0.5], [1.0], [10.5]])
    found = prdc(real, fake, k=1)
    assert found["precision"] == pytest.approx(2 / 3)  # .5 and 1, not 10.5
    assert found["recall"] == pytest.approx(1.0)  # 0 and 1 lie in small balls, 1 and 3 in the one around 10.5
    assert found["density"] == pytest.approx((2 + 3) / 3)  # .5 in two balls, 1 in three (closed)
    assert found["coverage"] == pytest.approx(1.0)


def test_by_the_definition_on_any_sets() -> None:
    real, fake, k = features(40, 3, 1), features(30, 3, 2) + 0.7, 5
    distance = torch.cdist(real, fake)
    r_real = torch.cdist(real, real).sort(1).values[:, k]
    r_fake = torch.cdist(fake, fake).sort(1).values[:, k]
    expected = {
        "precision": (distance <= r_real[:, None]).any(0).double().mean().item(),
        "recall": (distance <= r_fake).any(1).double().mean().item(),
        "density": (distance <= r_real[:, None]).sum().item() / (k * 30),
        "coverage": (distance.min(1).values <= r_real).double().mean().item(),
    }
    assert prdc(real, fake, k) == pytest.approx(expected)


@pytest.mark.parametrize("k", [3, 5])
def test_torch_fidelity_agrees(k: int) -> None:
    peer = pytest.importorskip("torch_fidelity.metric_prc")
    real, fake = features(80, 6, 1), 0.8 * features(70, 6, 2) + 0.2
    precision, recall = peer.calculate_precision_recall_full(fake, real, neighborhood=k)
    found = prdc(real, fake, k)
    assert (found["precision"], found["recall"]) == (pytest.approx(precision), pytest.approx(recall))


def test_a_tight_cluster_is_precise_and_recalls_little() -> None:
    real = features(200, 4, 1)
    found = prdc(real, 0.05 * features(200, 4, 2))
    assert found["precision"] > 0.95 > 0.1 > found["recall"]
    assert found["coverage"] < 0.5 < 1 < found["density"]


def test_far_sets_share_nothing_and_equal_ones_everything() -> None:
    x = features(50, 4, 1)
    assert set(prdc(x, x + 1000).values()) == {0.0}
    same = prdc(x, x)
    assert (same["precision"], same["recall"], same["coverage"]) == (1, 1, 1)


def test_parts_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = features(33, 3, 1), features(21, 3, 2)
    whole, near = prdc(real, fake), nearest(fake, real)
    monkeypatch.setattr(neighbours, "_ROWS", 7)
    assert prdc(real, fake) == pytest.approx(whole)
    assert torch.equal(nearest(fake, real)[1], near[1])


def test_distances_keep_their_digits_far_from_the_origin() -> None:
    x, y = features(20, 5, 1), features(15, 5, 2)
    expected = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    assert torch.allclose(squared_distances(x + 1e5, y + 1e5), expected, rtol=1e-6, atol=1e-7)


def test_nearest_neighbours_and_the_own_one_passed_over() -> None:
    training = features(50, 4, 1)
    distances, index = nearest(training[[7, 3]] + 1e-9, training)
    assert index.tolist() == [7, 3]
    assert distances.max() < 1e-6
    own = torch.tensor([7, 3])
    distances, index = nearest(training[own], training, own)
    others = torch.cdist(training[own], training)
    others[[0, 1], own] = torch.inf
    assert torch.allclose(distances, others.min(1).values)
    assert torch.equal(index, others.argmin(1))


def test_length_one() -> None:
    x = torch.cat([features(4, 3, 1), torch.zeros(1, 3)])
    assert normalised(x).norm(dim=1).tolist() == pytest.approx([1, 1, 1, 1, 0])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="k is 5"):
        prdc(torch.zeros(5, 2), torch.zeros(9, 2))
    bad = features(9, 2, 1)
    bad[0] = torch.inf
    assert all(math.isnan(value) for value in prdc(features(9, 2, 2), bad).values())
