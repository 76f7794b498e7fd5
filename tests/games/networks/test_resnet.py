"""The residual networks: parameter counts, and the whole of them against modules of torch with the same weights."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from saddlebench.games.networks import resnet
from saddlebench.games.networks.network import Network, unfold


class ModuleGenerator(nn.Module):
    """16 px from 4 × 4, as `resnet.Generator(latent, 3, 16, width, classes)`."""

    def __init__(self, latent: int, width: int, classes: int) -> None:
        super().__init__()
        self.width, self.classes = width, classes
        self.first = nn.Linear(latent, 16 * width)
        for k in range(2):
            block = nn.Module()
            for j in range(2):
                setattr(block, f"conv{j}", nn.Conv2d(width, width, 3, padding=1))
                setattr(block, f"norm{j}", nn.BatchNorm2d(width, affine=not classes))
                if classes:
                    setattr(block, f"gain{j}", nn.Embedding(classes, width))
                    setattr(block, f"bias{j}", nn.Embedding(classes, width))
            block.shortcut = nn.Conv2d(width, width, 1)
            setattr(self, f"block{k}", block)
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def _norm(self, block: nn.Module, j: int, x: Tensor, y: Tensor) -> Tensor:
        x = getattr(block, f"norm{j}")(x)
        if not self.classes:
            return x
        gain, bias = (getattr(block, f"{part}{j}")(y)[:, :, None, None] for part in ("gain", "bias"))
        return (1 + gain) * x + bias

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = self.first(z).view(len(z), self.width, 4, 4)
        for block in (self.block0, self.block1):
            h = block.conv0(interpolate(self._norm(block, 0, x, y).relu(), scale_factor=2))
            h = block.conv1(self._norm(block, 1, h, y).relu())
            x = h + block.shortcut(interpolate(x, scale_factor=2))
        return self.last(self.norm(x).relu()).tanh()


class ModuleDiscriminator(nn.Module):
    """As `resnet.Discriminator`: the first block's shortcut is pooled after its convolution, which must be the same."""

    def __init__(self, width: int, norm: str, pool: str, classes: int) -> None:
        super().__init__()
        wrap = nn.utils.spectral_norm if norm == "spectral" else lambda layer: layer
        self.pool = pool
        for k, inputs in enumerate((3, width, width, width)):
            block = nn.Module()
            block.conv0 = wrap(nn.Conv2d(inputs, width, 3, padding=1))
            block.conv1 = wrap(nn.Conv2d(width, width, 3, padding=1))
            if k < 2:
                block.shortcut = wrap(nn.Conv2d(inputs, width, 1))
            setattr(self, f"block{k}", block)
        self.logit = wrap(nn.Linear(width, 1))
        self.classes = wrap(nn.Embedding(classes, width)) if classes else None

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        for k, block in enumerate((self.block0, self.block1, self.block2, self.block3)):
            h = block.conv1(block.conv0(x.relu() if k else x).relu())
            x = avg_pool2d(h, 2) + avg_pool2d(block.shortcut(x), 2) if k < 2 else h + x
        h = x.relu().sum((2, 3)) if self.pool == "sum" else x.relu().mean((2, 3))
        logit = self.logit(h).squeeze(-1)
        return logit if self.classes is None else logit + (self.classes(y) * h).sum(-1)


def candidates(name: str, conditional: bool) -> list[str]:
    """Names that a parameter of the flat tensor can have in a module."""
    layer, part = name.rsplit(".", 1)
    if conditional and ".norm" in layer:
        return [f"{layer.replace('norm', part)}.weight"]  # an embedding of gains or of biases
    name = f"{layer}.{'weight' if part == 'gain' else part}"
    return [name, f"{name}_orig"]


def fill(module: nn.Module, network: Network, flat: Tensor, vectors: Tensor, conditional: bool) -> None:
    scope = network.scope(flat, vectors)
    own = module.state_dict()
    state = {next(c for c in candidates(n, conditional) if c in own): w[0] for n, w in scope.weights.items()}
    state |= {f"{n[:-2]}.weight_{n[-1]}": v[0] for n, v in scope.vectors.items()}
    missing, extra = module.load_state_dict(state, strict=False)
    assert not extra
    assert all("running" in name or "num_batches" in name for name in missing), missing


def gradients(module: nn.Module, network: Network, conditional: bool) -> Tensor:
    named = dict(module.named_parameters())
    found = [next(named[c] for c in candidates(n, conditional) if c in named) for n in network.weights]
    return torch.cat([p.grad.flatten() for p in found if p.grad is not None])


def weights_of(network: Network, drawn: Tensor) -> Tensor:
    return network.initial(torch.tensor([3, 7, 2**40]), "x", "xavier", torch.float64) + 0.1 * drawn


LABELS = torch.arange(18).view(3, 6) % 4


@pytest.mark.parametrize("classes", [0, 4])
def test_generator_equals_a_module(make, classes):
    network = resnet.Generator(5, 3, 16, 3, classes)
    flat = weights_of(network, make.drawn("move", network.size)).requires_grad_()
    z, u = make.drawn("z", 6, 5), make.drawn("u", 6, 3, 16, 16)
    images = unfold(network(flat, z, None, LABELS), 3)
    (gradient,) = torch.autograd.grad((images * u).sum(), flat)
    for run in range(3):
        module = ModuleGenerator(5, 3, classes).double().train()
        fill(module, network, flat.detach()[run : run + 1], torch.zeros(1, 0), bool(classes))
        own = module(z[run], LABELS[run])
        torch.testing.assert_close(images[run], own, rtol=1e-10, atol=1e-11)
        (own * u[run]).sum().backward()
        torch.testing.assert_close(gradient[run], gradients(module, network, bool(classes)), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("norm", "pool", "classes"), [("spectral", "sum", 0), ("spectral", "sum", 4), ("none", "mean", 0)])
def test_discriminator_equals_a_module(make, norm, pool, classes):
    network = resnet.Discriminator(3, 16, 3, norm, pool, classes)
    flat = weights_of(network, make.drawn("move", network.size))
    vectors = network.start_vectors(flat, make.seeds, "power")
    flat.requires_grad_()
    x, u = make.drawn("x", 6, 3, 16, 16), make.drawn("u", 6)
    found = network(flat, x, network.iterate(flat, vectors), LABELS)  # torch's module iterates before it evaluates
    (gradient,) = torch.autograd.grad((found * u).sum(), flat)
    for run in range(3):
        module = ModuleDiscriminator(3, norm, pool, classes).double().train()
        fill(module, network, flat.detach()[run : run + 1], vectors[run : run + 1], False)
        own = module(x[run], LABELS[run])
        torch.testing.assert_close(found[run], own, rtol=1e-9, atol=1e-10)
        (own * u[run]).sum().backward()
        torch.testing.assert_close(gradient[run], gradients(module, network, False), rtol=1e-8, atol=1e-9)


# StudioGAN's training log of its conditional networks: 4.30 M and 1.06 M.
def test_parameter_counts_of_sn_gan_at_32_pixels():
    told = resnet.Generator(128, 3, 32, classes=10).size, resnet.Discriminator(3, 32, classes=10).size
    assert told == (4_304_387, 1_055_105)
    assert tuple(round(n / 1e6, 2) for n in told) == (4.30, 1.06)
    assert (resnet.Generator(128, 3, 32).size, resnet.Discriminator(3, 32).size) == (4_276_739, 1_053_825)


def test_wgan_gp_form_is_of_width_128_without_norm_in_the_discriminator():
    generator, critic = resnet.Generator(128, 3, 32, width=128), resnet.Discriminator(3, 32, norm="none", pool="mean")
    block = 2 * (9 * 128**2 + 128) + (128**2 + 128) + 2 * 2 * 128
    assert generator.size == 129 * 128 * 16 + 3 * block + 2 * 128 + 27 * 128 + 3
    assert critic.size == resnet.Discriminator(3, 32).size
    assert critic.vectors == {}


def test_mean_pooling_is_the_sum_over_the_number_of_pixels(make):
    summed, mean = (resnet.Discriminator(3, 16, 3, "none", pool) for pool in ("sum", "mean"))
    flat, x = weights_of(mean, make.drawn("move", mean.size)), make.drawn("x", 4, 3, 16, 16)
    torch.testing.assert_close(mean.features(x, mean.scope(flat)), summed.features(x, summed.scope(flat)) / 16)
