"""How the weights of `saddlebench.games.networks.lenet` were made: ``python -m saddlebench.bench.images.train_lenet
DATA [FILE]``, with DATA mnist or fashion-mnist.

Cross-entropy on the data set's 60,000 training images without augmentation; Adam (step size 10⁻³, linearly to zero over 3
epochs, batches of 100). Every draw is from one local generator, so that a machine repeats its result; another machine
may differ in the last bits, which is why the weights are committed and known by their hash.
"""

import hashlib
import math
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from saddlebench.games.data import load
from saddlebench.games.data.files import replacing
from saddlebench.games.networks.lenet import LeNet, extract

SEED = 20240501
EPOCHS = 3
BATCH = 100
STEP_SIZE = 1e-3


def initialise(net: LeNet, generator: torch.Generator) -> None:
    """He's initialisation for ReLU layers: weights N(0, 2/fan-in), biases 0."""
    for weight in net.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=math.sqrt(2 / weight[0].numel()), generator=generator)
        else:
            nn.init.zeros_(weight)


def train(images: Tensor, labels: Tensor, *, data: str = "mnist", epochs: int = EPOCHS, seed: int = SEED) -> LeNet:
    """A LeNet trained on uint8 images ``(N, 28, 28)`` and labels ``(N,)``, in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    net = LeNet(data)
    initialise(net, generator)
    optimizer = torch.optim.Adam(net.parameters(), lr=STEP_SIZE)
    steps = epochs * math.ceil(len(images) / BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1 / steps, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(images), generator=generator).split(BATCH):
            loss = nn.functional.cross_entropy(net.outputs(images[rows])[1], labels[rows].long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def accuracy(net: LeNet, images: Tensor, labels: Tensor) -> float:
    """The share of images whose largest logit is the label's."""
    return (extract(net, images)[1].argmax(1) == labels).double().mean().item()


def main(arguments: list[str]) -> None:
    """Train on a data set, print test accuracy and sha256, and write the weights to the file if one is given."""
    data, *files = arguments
    torch.set_num_threads(1)  # sums in another order would give other bits
    start = time.perf_counter()
    net = train(*(torch.from_numpy(array) for array in load(data, "train")), data=data)
    seconds = time.perf_counter() - start
    right = accuracy(net, *(torch.from_numpy(array) for array in load(data, "test")))
    content = to_safetensors({name: tensor.contiguous() for name, tensor in net.state_dict().items()})
    print(f"test accuracy {right:.2%} after {EPOCHS} epochs, {seconds:.0f} s; {len(content)} bytes")
    print(f"sha256 {hashlib.sha256(content).hexdigest()}")
    for path in files:
        with replacing(Path(path)) as file:
            file.write(content)


if __name__ == "__main__":
    main(sys.argv[1:])
