"""The generator of Salimans et al. 2016 against the same network of torch's modules."""

import torch
from torch import nn

from saddlebench.games.networks.softplus_generator import SoftplusGenerator


def test_it_is_the_network_of_torch_s_modules(make):
    ours = SoftplusGenerator((4, 6, 5, 8))
    flat = ours.initial(make.seeds, "generator", "xavier", torch.float64) + 0.1 * make.drawn("away", ours.size)
    z = make.drawn("z", 10, 4)
    found = ours(flat, z)
    assert ours.size == 4 * 6 + 6 + 6 * 5 + 5 + 5 * 8 + 8 + 8
    assert float(found.abs().max()) < 1
    for run in range(3):
        named, x = {name: rows[run] for name, rows in ours.named(flat).items()}, z[run]
        for k in range(2):
            norm = nn.BatchNorm1d(len(named[f"norm{k}.bias"]), eps=1e-6, dtype=torch.float64).train()
            norm.bias.data = named[f"norm{k}.bias"]
            x = nn.functional.softplus(norm(x @ named[f"linear{k}.weight"].T))
        v = named["last.direction"]
        weight = named["last.length"][:, None] * v / (v.square().sum(1, keepdim=True) + 1e-6).sqrt()
        expected = torch.tanh((x @ weight.T + named["last.bias"]) / 2)  # 2·sigmoid(t) − 1 = tanh(t/2)
        torch.testing.assert_close(found[run], expected, rtol=1e-10, atol=1e-10)
