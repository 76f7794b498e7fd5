"""Step time of a DCGAN against a hand-written loop over torch modules: paired rounds, ratios of process CPU time, one thread.

`pytest --benchmark-only tests/benchmarks/test_gan_step_time.py` prints the table. Loops and ours take turns within every round,
so that what else the machine does falls on both.
"""

import itertools
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.games.data import available
from saddlebench.games.dcgan import Cifar10DCGAN

ROUNDS, STEPS = 9, 2
GAME = Cifar10DCGAN(generator_width=32, discriminator_width=32, batch=32)
BETAS = (0.5, 0.999)


def generator(width: int) -> nn.Module:
    sizes = [8 * width, 4 * width, 2 * width, width]
    blocks = [
        layer
        for a, b in itertools.pairwise(sizes)
        for layer in (nn.ConvTranspose2d(a, b, 4, 2, 1), nn.BatchNorm2d(b, track_running_stats=False), nn.ReLU())
    ]
    first = [nn.Linear(128, 8 * width * 16), nn.Unflatten(1, (8 * width, 4, 4))]
    return nn.Sequential(*first, *blocks, nn.Conv2d(width, 3, 3, 1, 1), nn.Tanh())


class SumOverPixels(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3))


def discriminator(width: int) -> nn.Module:
    layers: list[nn.Module] = []
    inputs = 3
    for k in range(3):
        for conv in (nn.Conv2d(inputs, width * 2**k, 3, 1, 1), nn.Conv2d(width * 2**k, width * 2**k, 4, 2, 1)):
            layers += [conv, nn.BatchNorm2d(width * 2**k, track_running_stats=False), nn.LeakyReLU(0.2)]
        inputs = width * 2**k
    layers += [nn.Conv2d(inputs, 2 * inputs, 3, 1, 1), nn.BatchNorm2d(2 * inputs, track_running_stats=False), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, SumOverPixels(), nn.Linear(2 * inputs, 1), nn.Flatten(0))


class HandWritten:
    """What one would write for one method: modules, torch.optim, a loop."""

    def __init__(self) -> None:
        self.nets = generator(32), discriminator(32)
        self.parameters = [list(net.parameters()) for net in self.nets]
        assert tuple(sum(p.numel() for p in ps) for ps in self.parameters) == GAME.sizes, "the same networks"
        self.optimizers = [torch.optim.Adam(ps, 2e-4, BETAS) for ps in self.parameters]
        self.images = torch.randint(0, 256, (50000, 3, 32, 32), dtype=torch.uint8)

    def field(self, graph: bool = False) -> list[tuple[Tensor, ...]]:
        x = self.images[torch.randint(0, 50000, (32,))].float().div_(127.5).sub_(1)
        fake = self.nets[0](torch.randn(32, 128))
        real_logits, fake_logits = self.nets[1](x), self.nets[1](fake)
        losses = softplus(-fake_logits).mean(), softplus(-real_logits).mean() + softplus(fake_logits).mean()
        return [
            torch.autograd.grad(loss, ps, retain_graph=True, create_graph=graph)
            for loss, ps in zip(losses, self.parameters, strict=True)
        ]

    def move(self, field: list[tuple[Tensor, ...]]) -> None:
        for ps, gradients, optimizer in zip(self.parameters, field, self.optimizers, strict=True):
            for p, g in zip(ps, gradients, strict=True):
                p.grad = g
            optimizer.step()

    def adam(self) -> None:
        self.move(self.field())

    def extra_adam(self) -> None:
        kept = [[p.detach().clone() for p in ps] for ps in self.parameters]
        self.move(self.field())
        field = self.field()
        with torch.no_grad():
            for ps, old in zip(self.parameters, kept, strict=True):
                for p, o in zip(ps, old, strict=True):
                    p.copy_(o)
        self.move(field)

    def consensus(self) -> None:
        field = self.field(graph=True)
        norm = sum(g.square().sum() for gradients in field for g in gradients) / 2
        everything = [p for ps in self.parameters for p in ps]
        extra = list(torch.autograd.grad(norm, everything))
        split = len(self.parameters[0])
        parts = extra[:split], extra[split:]
        self.move([tuple(g.detach() + 10 * e for g, e in zip(gs, es, strict=True)) for gs, es in zip(field, parts, strict=True)])

    def symplectic(self) -> None:
        """v + λAᵀv with Aᵀv = ½(Jᵀv − Jv); Jv by double backward: the derivative of Jᵀu with respect to u."""
        field = self.field(graph=True)
        v = [g for gradients in field for g in gradients]
        everything = [p for ps in self.parameters for p in ps]
        seeds = [torch.zeros_like(g, requires_grad=True) for g in v]
        transposed = torch.autograd.grad(v, everything, seeds, create_graph=True)
        jv = torch.autograd.grad(transposed, seeds, [g.detach() for g in v], retain_graph=True)
        jtv = torch.autograd.grad(v, everything, [g.detach() for g in v])
        moved = [g.detach() + (a - b) / 2 for g, a, b in zip(v, jtv, jv, strict=True)]
        split = len(self.parameters[0])
        self.move([tuple(moved[:split]), tuple(moved[split:])])


class Ours:
    """The same method from the catalogue on the game from the catalogue."""

    def __init__(self, spec: dict[str, dict[str, object]]) -> None:
        self.method, self.seeds, self.step = build("optimizer", spec), torch.tensor([0]), 0
        self.w = GAME.initial(self.seeds)
        self.buffers = GAME.buffers(self.w, self.seeds)
        self.state = self.method.init(self.oracle(), self.w)

    def oracle(self) -> Oracle:
        return Oracle.at_step(GAME, self.seeds, self.step, self.buffers, Counts(2))

    def __call__(self) -> None:
        self.w, self.state = self.method.step(self.oracle(), self.w, self.state)
        self.step += 1


ADAM = {"adam": {"betas": list(BETAS)}}
METHODS = {
    "adam": {"adam": {"step_size": 2e-4, "betas": list(BETAS)}},
    "extra_adam": {"extra-adam": {"step_size": 2e-4, "betas": list(BETAS)}},
    "consensus": {"consensus": {"step_size": 2e-4, "rule": ADAM}},
    "symplectic": {"symplectic-gradient": {"step_size": 2e-4, "rule": ADAM}},
}


def cpu_seconds(step: Callable[[], None]) -> float:
    began = time.process_time()
    for _ in range(STEPS):
        step()
    return (time.process_time() - began) / STEPS


@pytest.mark.parametrize("name", list(METHODS))
def test_step_time_against_a_hand_written_loop(name, benchmark):
    if not available("cifar10"):
        pytest.skip("CIFAR-10 is not in the data cache: run `saddlebench data fetch cifar10`")
    torch.set_num_threads(1)
    by_hand, ours = getattr(HandWritten(), name), Ours(METHODS[name])
    by_hand()  # warm-up
    ours()
    pairs = np.array([(cpu_seconds(by_hand), cpu_seconds(ours)) for _ in range(ROUNDS)])
    ratio = pairs[:, 1] / pairs[:, 0]
    benchmark.pedantic(ours, rounds=1)
    benchmark.extra_info |= {"ratio": float(np.median(ratio)), "low": float(ratio.min()), "high": float(ratio.max())}
    print(
        f"\n{name}: ours {pairs[:, 1].mean() * 1e3:.0f} ms, by hand {pairs[:, 0].mean() * 1e3:.0f} ms a step; ratio median "
        f"{np.median(ratio):.3f} ({ratio.min():.3f}–{ratio.max():.3f}) over {ROUNDS} rounds"
    )
