import pytest
import torch

from saddlebench.games.draws import uniform
from saddlebench.games.networks.recurrent import Recurrent
from saddlebench.games.networks.tables import TabularCritic, TabularPolicy, all_sequences, numbers

SEEDS = torch.tensor([3, 5])
NET = Recurrent(tokens=4, embedding=3, hidden=5)


@pytest.fixture
def flat():
    return NET.normal(SEEDS, "test", 1.0, torch.float64)


def test_likelihoods_are_those_of_torchs_lstm(flat):
    """torch has the gates in the order i, f, g, o; ours is i, f, o, g."""
    tokens = torch.tensor([[[1, 0, 3, 2], [3, 3, 1, 0]], [[0, 1, 2, 3], [2, 2, 2, 2]]])
    found = NET(flat, tokens)
    for run in range(2):
        named = {name: x[run] for name, x in NET.named(flat).items()}
        order = torch.cat([torch.arange(5) + 5 * k for k in (0, 1, 3, 2)])
        lstm = torch.nn.LSTM(3, 5, batch_first=True, dtype=torch.float64)
        with torch.no_grad():
            lstm.weight_ih_l0.copy_(named["gates.weight"][order, :3])
            lstm.weight_hh_l0.copy_(named["gates.weight"][order, 3:])
            lstm.bias_ih_l0.copy_(named["gates.bias"][order])
            lstm.bias_hh_l0.zero_()
            inputs = torch.cat((torch.zeros(2, 1, dtype=torch.int64), tokens[run, :, :-1]), 1)
            hidden, _ = lstm(named["embedding.weight"][inputs])
            logits = hidden @ named["output.weight"].T + named["output.bias"]
        expected = -torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[run].flatten(), reduction="none")
        torch.testing.assert_close(found[run], expected.view(2, 4))


@pytest.mark.parametrize("net", [NET, TabularPolicy(4, 3)])
def test_probabilities_of_all_sequences_sum_to_one(net):
    flat = torch.randn(2, net.size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    every = all_sequences(4, 3).expand(2, -1, -1)
    torch.testing.assert_close(net(flat, every).sum(-1).exp().sum(-1), torch.ones(2, dtype=torch.float64))


def test_draws_have_the_law_of_the_likelihoods(flat):
    every = all_sequences(4, 2)
    drawn = NET.generate(flat, uniform(SEEDS, "law", 2 * 40000).view(2, 40000, 2))
    for run in range(2):
        counts = torch.bincount(numbers(drawn[run], 4)[:, -1], minlength=16).double()
        expected = 40000 * NET(flat, every.expand(2, -1, -1)).sum(-1).exp()[run]
        assert float(((counts - expected).square() / expected).sum()) < 37.7  # χ² with 15 degrees of freedom: 1 in 1,000


def test_known_tokens_stay_and_the_rest_is_drawn_after_them(flat):
    numbers_ = uniform(SEEDS, "known", 50 * 3).view(2, 50, 3)
    free = NET.generate(flat, numbers_)
    given = (free + 1) % 4
    whole = NET.generate(flat, numbers_, lambda t: (torch.tensor(t < 2), given[..., t]))
    assert torch.equal(whole[..., :2], given[..., :2])
    last = torch.arange(4).expand(2, 50, 4).unsqueeze(-1)  # every third token
    each = torch.cat((given[..., None, :2].expand(2, 50, 4, 2), last), -1).flatten(1, 2)
    below = NET(flat, each)[..., -1].exp().unflatten(1, (50, 4)).cumsum(-1)[..., :3]
    assert torch.equal(whole[..., 2], (below < numbers_[..., 2:]).sum(-1))


def test_sequences_are_numbered_in_their_order():
    every = all_sequences(3, 4)
    assert every[:4].tolist() == [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 1, 0]]
    assert torch.equal(numbers(every, 3)[:, -1], torch.arange(81))
    table = torch.arange(81.0).unsqueeze(0)
    assert torch.equal(TabularCritic(3, 4)(table, every.unsqueeze(0)), table)
