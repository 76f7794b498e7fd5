import pytest
import torch

from saddlebench.games.shuffling import factors, shuffled

SEEDS = torch.tensor([0, 1, 2**50])


@pytest.mark.parametrize("size", [64, 240, 10000, 50000, 60000])
def test_an_order_holds_every_item_once(size):
    order = shuffled(SEEDS, "order", 3, 0, torch.arange(size), size)
    for run in order:
        assert torch.equal(run.sort().values, torch.arange(size))


def test_orders_differ_by_seed_epoch_draw_and_purpose():
    positions = torch.arange(60000)
    base = shuffled(SEEDS, "order", 3, 0, positions, 60000)
    others = [
        base.roll(1, 0),
        shuffled(SEEDS, "order", 4, 0, positions, 60000),
        shuffled(SEEDS, "order", 3, 1, positions, 60000),
        shuffled(SEEDS, "other", 3, 0, positions, 60000),
    ]
    for other in others:
        # Two random orders agree at about one place.
        assert ((base == other).sum(-1) < 10).all()
        for a, b in zip(base, other, strict=True):
            assert abs(torch.corrcoef(torch.stack((a, b)).double())[0, 1]) < 0.02


def test_neighbours_are_unrelated():
    order = shuffled(SEEDS, "order", 0, 0, torch.arange(60000), 60000)
    for run in order:
        assert abs(torch.corrcoef(torch.stack((run[1:], run[:-1])).double())[0, 1]) < 0.02


def test_a_position_goes_everywhere_alike():
    many = torch.arange(20000)
    places = shuffled(many, "order", 0, 0, torch.tensor([0, 1, 250, 59999]), 60000)
    for column in (*places.T, (places[:, 1] - places[:, 0]) % 60000):
        counts = torch.histc(column.double(), 20, 0, 60000)
        assert (counts - 1000).square().sum() / 1000 < 50  # chi-square with 19 degrees of freedom: p = 1e-4


def test_a_part_equals_that_part_of_the_whole_alone_or_together():
    positions = torch.arange(60000)
    whole = shuffled(SEEDS, "order", 5, 0, positions, 60000)
    assert torch.equal(shuffled(SEEDS[1:2], "order", 5, 0, positions[700:800], 60000), whole[1:2, 700:800])


@pytest.mark.parametrize("size", [7, 997, 2 * 997])
def test_a_size_without_near_factors_is_refused(size):
    with pytest.raises(ValueError, match="cannot be shuffled"):
        shuffled(SEEDS, "order", 0, 0, torch.arange(size), size)


def test_factors_are_the_nearest():
    assert factors(60000) == (240, 250)
    assert factors(50000) == (200, 250)
    assert factors(64) == (8, 8)
