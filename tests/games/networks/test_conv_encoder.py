"""The encoder against the same network of torch's modules."""

import pytest
import torch
from torch import nn

from saddlebench.games.networks.conv_encoder import ConvEncoder


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_it_is_the_network_of_torch_s_modules(norm):
    ours = ConvEncoder(3, 8, 4, 5, norm)
    flat = ours.initial(torch.tensor([3, 7]), "encoder", "xavier").double()
    x = torch.randn(2, 6, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = ours(flat, x)
    assert found.shape == (2, 6, 5)
    for run in range(2):
        parts = []
        for inputs, outputs in ((3, 4), (4, 8)):
            between = [nn.BatchNorm2d(outputs)] if norm == "batch" else []
            parts += [nn.Conv2d(inputs, outputs, 5, padding=2), nn.MaxPool2d(2), *between, nn.LeakyReLU(0.2)]
        whole = nn.Sequential(*parts, nn.Flatten(), nn.Linear(8 * 2 * 2, 5)).double()
        assert sum(p.numel() for p in whole.parameters()) == ours.size
        nn.utils.vector_to_parameters(flat[run], whole.parameters())
        torch.testing.assert_close(found[run], whole(x[run]), rtol=1e-10, atol=1e-10)
