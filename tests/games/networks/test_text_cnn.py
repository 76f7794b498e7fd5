import torch
from torch.nn.functional import conv1d

from saddlebench.games.networks.text_cnn import TextCNN

SEEDS = torch.tensor([3, 5])


def test_logits_are_those_of_convolutions_maxima_and_a_highway():
    net = TextCNN(tokens=5, length=4, embedding=3, windows=(1, 2, 4, 9), filters=2)
    flat = net.initial(SEEDS, "test", "pytorch", torch.float64)
    y = torch.tensor([[[0, 1, 2, 3], [4, 4, 0, 2]], [[1, 1, 1, 1], [3, 2, 1, 0]]])
    found = net(flat, y)
    for run in range(2):
        named = {name: x[run] for name, x in net.named(flat).items()}
        signal = named["embedding.weight"][y[run]].mT  # (batch, e, T)
        features = []
        for k in (1, 2, 4):  # 9 is longer than a sequence
            kernel = named[f"window{k}.weight"].view(2, k, 3).mT
            features.append(conv1d(signal, kernel, named[f"window{k}.bias"]).relu().amax(-1))
        h = torch.cat(features, -1)
        gate = (h @ named["gate.weight"].T + named["gate.bias"]).sigmoid()
        h = gate * (h @ named["highway.weight"].T + named["highway.bias"]).relu() + (1 - gate) * h
        torch.testing.assert_close(found[run], (h @ named["logit.weight"].T + named["logit.bias"]).squeeze(-1))
