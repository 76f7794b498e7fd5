import pytest
import torch

from saddlebench.bench.images.pixels import as_bytes, channels_first, colour, resized


def test_every_level_survives_the_way_to_floats_and_back() -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(as_bytes(levels.float() / 127.5 - 1), levels)
    assert as_bytes(levels) is levels


def test_floats_beyond_and_not_finite() -> None:
    assert as_bytes(torch.tensor([-7.0, -1, 0.999, 5, torch.nan, torch.inf])).tolist() == [0, 0, 255, 255, 0, 0]
    with pytest.raises(ValueError, match="int64"):
        as_bytes(torch.zeros(3, dtype=torch.int64))


def test_layouts() -> None:
    assert channels_first(torch.zeros(5, 4, 4)).shape == (5, 1, 4, 4)
    image = torch.arange(48).view(1, 4, 4, 3)
    assert torch.equal(channels_first(image)[0, 2], image[0, :, :, 2])
    assert torch.equal(colour(torch.ones(2, 1, 4, 4)), torch.ones(2, 3, 4, 4))
    with pytest.raises(ValueError, match="expected"):
        channels_first(torch.zeros(5, 4, 4, 2))


def test_shrinking_averages_and_enlarging_is_linear() -> None:
    checks = (torch.arange(64).view(8, 8) % 2 * 200).view(1, 1, 8, 8)
    assert (resized(checks, 4) - 100).abs().max() < 60  # one of 0 and 200 without antialiasing
    ramp = torch.arange(4).float().view(1, 1, 1, 4).expand(1, 1, 4, 4)
    assert resized(ramp, 8)[0, 0, 0].tolist() == pytest.approx([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
