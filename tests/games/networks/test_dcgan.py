"""The DCGAN: parameter counts, and the whole of it against modules of torch with the same weights."""

import pytest
import torch
from torch import Tensor, nn

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.networks import dcgan
from saddlebench.games.networks.network import Network, unfold


class ModuleGenerator(nn.Module):
    """28 px in grey from 7 × 7, as `dcgan.Generator(latent, 1, 28, width)`."""

    def __init__(self, latent: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.first = nn.Linear(latent, 4 * width * 49)
        self.up0 = nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1)
        self.norm0 = nn.BatchNorm2d(2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 4, 2, 1)
        self.norm1 = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, 1, 3, 1, 1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(z).view(len(z), 4 * self.width, 7, 7)
        x = self.norm0(self.up0(x)).relu()
        x = self.norm1(self.up1(x)).relu()
        return self.last(x).tanh()


class ModuleDiscriminator(nn.Module):
    """28 px in grey, with batch norm, without, or with torch's spectral norm on every layer."""

    def __init__(self, width: int, norm: str) -> None:
        super().__init__()
        wrap = nn.utils.spectral_norm if norm == "spectral" else lambda layer: layer
        self.conv0, self.down0 = wrap(nn.Conv2d(1, width, 3, 1, 1)), wrap(nn.Conv2d(width, width, 4, 2, 1))
        self.conv1, self.down1 = wrap(nn.Conv2d(width, 2 * width, 3, 1, 1)), wrap(nn.Conv2d(2 * width, 2 * width, 4, 2, 1))
        self.last = wrap(nn.Conv2d(2 * width, 4 * width, 3, 1, 1))
        self.logit = wrap(nn.Linear(4 * width, 1))
        names = ("conv0", "down0", "conv1", "down1", "last")
        self.norms = nn.ModuleDict({n: nn.BatchNorm2d(getattr(self, n).out_channels) for n in names} if norm == "batch" else {})

    def forward(self, x: Tensor) -> Tensor:
        for name in ("conv0", "down0", "conv1", "down1", "last"):
            x = getattr(self, name)(x)
            x = nn.functional.leaky_relu(self.norms[name](x) if name in self.norms else x, 0.2)
        return self.logit(x.sum((2, 3))).squeeze(-1)


def module_name(name: str) -> str:
    """The parameter of a module that goes by this name in the flat tensor."""
    layer, part = name.rsplit(".", 1)
    layer = f"norms.{layer.removesuffix('.norm')}" if layer.endswith(".norm") else layer
    return f"{layer}.{'weight' if part == 'gain' else part}"


def fill(module: nn.Module, network: Network, flat: Tensor, vectors: Tensor | None) -> None:
    """The network's weights (and power-iteration vectors) of its first run into the module."""
    scope = network.scope(flat, vectors)
    state = {}
    for name, weight in scope.weights.items():
        spectral = f"{name.rsplit('.', 1)[0]}.u" in scope.vectors and name.endswith("weight")
        state[module_name(name) + ("_orig" if spectral else "")] = weight[0]
    for name, vector in scope.vectors.items():
        layer, part = name.rsplit(".", 1)
        state[f"{layer}.weight_{part}"] = vector[0]
    missing, extra = module.load_state_dict(state, strict=False)
    assert not extra
    assert all("running" in name or "num_batches" in name for name in missing), missing


def gradients(module: nn.Module, network: Network) -> Tensor:
    """The module's gradients as the network's flat tensor."""
    named = dict(module.named_parameters())
    found = []
    for name in network.weights:
        parameter = named.get(module_name(name), named.get(module_name(name) + "_orig"))
        assert parameter is not None
        assert parameter.grad is not None
        found.append(parameter.grad.flatten())
    return torch.cat(found)


def weights_of(network: Network, what: str, drawn: Tensor) -> Tensor:
    """The initial weights moved a little, so that no gain is 1 and no bias 0."""
    start = network.initial(torch.tensor([3, 7, 2**40]), what, "xavier", torch.float64)
    return start + 0.1 * drawn


def test_generator_equals_a_module(make):
    network = dcgan.Generator(5, 1, 28, 2)
    flat = weights_of(network, "g", make.drawn("move", network.size)).requires_grad_()
    z, u = make.drawn("z", 6, 5), make.drawn("u", 6, 1, 28, 28)
    images = unfold(network(flat, z), 3)
    (gradient,) = torch.autograd.grad((images * u).sum(), flat)
    for run in range(3):
        module = ModuleGenerator(5, 2).double().train()
        fill(module, network, flat.detach()[run : run + 1], None)
        own = module(z[run])
        torch.testing.assert_close(images[run], own, rtol=1e-10, atol=1e-12)
        (own * u[run]).sum().backward()
        torch.testing.assert_close(gradient[run], gradients(module, network), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
def test_discriminator_equals_a_module(make, norm):
    network = dcgan.Discriminator(1, 28, 2, norm)
    flat = weights_of(network, "d", make.drawn("move", network.size))
    vectors = network.start_vectors(flat, make.seeds, "power")
    flat.requires_grad_()
    x, u = make.drawn("x", 6, 1, 28, 28), make.drawn("u", 6)
    found = network(flat, x, network.iterate(flat, vectors))  # torch's module iterates before it evaluates
    (gradient,) = torch.autograd.grad((found * u).sum(), flat)
    for run in range(3):
        module = ModuleDiscriminator(2, norm).double().train()
        fill(module, network, flat.detach()[run : run + 1], vectors[run : run + 1])
        own = module(x[run])
        torch.testing.assert_close(found[run], own, rtol=1e-10, atol=1e-11)
        (own * u[run]).sum().backward()
        torch.testing.assert_close(gradient[run], gradients(module, network), rtol=1e-8, atol=1e-10)


def test_projection_discriminator_adds_the_class_vector_times_the_features(make):
    plain, told = dcgan.Discriminator(1, 28, 2, "none"), dcgan.Discriminator(1, 28, 2, "none", classes=4)
    flat = weights_of(told, "d", make.drawn("move", told.size))
    x, labels = make.drawn("x", 6, 1, 28, 28), torch.arange(18).view(3, 6) % 4
    features = told.features(x, told.scope(flat, None, labels))
    vectors = told.scope(flat).weights["classes.weight"]
    without = plain(flat[:, : plain.size], x)
    for run in range(3):
        for i in range(6):
            expected = without[run, i] + vectors[run, labels[run, i]] @ features[run, i]
            torch.testing.assert_close(told(flat, x, None, labels)[run, i], expected, rtol=1e-11, atol=1e-11)


def test_minibatch_discrimination_makes_the_logit_depend_on_the_batch(make):
    network = dcgan.Discriminator(1, 28, 2, "none", kernels=3)
    assert network.size == dcgan.Discriminator(1, 28, 2, "none").size + 3 * 5 * 8 + 3
    flat = weights_of(network, "d", make.drawn("move", network.size))
    x = make.drawn("x", 4, 1, 28, 28)
    scope = network.scope(flat)
    near, last, _ = network.head
    assert near is not None
    torch.testing.assert_close(network(flat, x), last(near(network.features(x, scope), scope), scope).squeeze(-1))
    other = x.clone()
    other[:, 3] = other[:, 0]  # two examples that are the same image
    assert not torch.isclose(network(flat, x)[:, 0], network(flat, other)[:, 0]).any()


# StudioGAN's training log of its 32 px networks: 3.81 M and 2.93 M.
def test_parameter_counts_at_32_pixels():
    generator, discriminator = dcgan.Generator(128, 3, 32), dcgan.Discriminator(3, 32)
    assert (generator.size, discriminator.size) == (3_812_355, 2_931_009)
    assert (round(generator.size / 1e6, 2), round(discriminator.size / 1e6, 2)) == (3.81, 2.93)


def test_parameter_counts_of_variants_are_those_of_their_layers():
    batch, spectral, none = (dcgan.Discriminator(3, 32, norm=norm) for norm in ("batch", "spectral", "none"))
    channels = sum(2 * w for w in (64, 128, 256)) + 512
    assert spectral.size == none.size == batch.size - 2 * channels
    assert sum(spectral.vectors.values()) == sum(
        w.shape[0] + w.size // w.shape[0] for name, w in spectral.weights.items() if name.endswith("weight")
    )
    assert dcgan.Discriminator(3, 32, classes=10).size == batch.size + 10 * 512
    told, plain = dcgan.Generator(128, 3, 32, classes=10), dcgan.Generator(128, 3, 32)
    assert told.size == plain.size + 2 * 9 * (256 + 128 + 64)


@pytest.mark.parametrize(("side", "start"), [(28, (7, 2)), (32, (4, 3)), (16, (4, 2)), (48, (6, 3)), (64, (4, 4)), (40, (5, 3))])
def test_sides_double_from_the_first_map(side, start):
    assert dcgan.doublings(side) == start
    network = dcgan.Generator(3, 3, side, 1)
    assert network(network.initial(torch.tensor([0]), "g", "normal"), torch.zeros(1, 2, 3)).shape == (2, 3, side, side)
    critic = dcgan.Discriminator(3, side, 1)
    flat = critic.initial(torch.tensor([0]), "d", "normal")
    assert critic(flat, torch.zeros(1, 2, 3, side, side)).shape == (1, 2)


@pytest.mark.parametrize("side", [30, 7, 4, 1, 36, 33])
def test_sides_that_do_not_double_are_refused(side):
    with pytest.raises(InputError, match=f"images of side {side} cannot be made"):
        dcgan.doublings(side)


def test_nearest_upsampling_is_resizing_then_convolving():
    """One doubling with the parameters of the layers themselves; pixels repeated by torch's own interpolation."""
    network = dcgan.Generator(3, 2, 14, 2, upsampling="nearest")
    flat = normal(torch.tensor([1]), "resize", network.size)
    z = normal(torch.tensor([2]), "z", 12).view(1, 4, 3)
    w = {name: x[0] for name, x in network.named(flat).items()}
    x = (z[0] @ w["first.weight"].T + w["first.bias"]).view(4, 4, 7, 7)
    x = torch.nn.functional.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3), w["up0.weight"], w["up0.bias"], padding=1)
    x = torch.nn.functional.batch_norm(x, None, None, w["norm0.gain"], w["norm0.bias"], training=True).relu()
    x = torch.nn.functional.conv2d(x, w["last.weight"], w["last.bias"], padding=1).tanh()
    torch.testing.assert_close(network(flat, z), x)


def test_with_virtual_batch_norm_an_image_depends_on_the_fixed_latents_and_on_its_own(make):
    """The moments that a layer sees are those of the reference latents' rows, which no caller gives and none gets back."""
    network = dcgan.Generator(5, 1, 28, 2, norm="virtual")
    flat, z = weights_of(network, "g", make.drawn("move", network.size)), make.drawn("z", 6, 5)
    images = unfold(network(flat, z), 3)
    assert images.shape == (3, 6, 1, 28, 28)
    torch.testing.assert_close(unfold(network(flat, z[:, 4:]), 3), images[:, 4:])
    reference = network._reference(z)
    assert reference.shape == (3, dcgan.REFERENCE, 5)
    assert torch.equal(reference[0], reference[2])
    other = dcgan.Generator(5, 1, 28, 2, norm="virtual", law=torch.tanh)
    torch.testing.assert_close(other._reference(z), reference.tanh())
    assert not torch.allclose(unfold(other(flat, z), 3), images)
