"""BigGAN's networks: parameter counts of the paper, and the whole of them against their description in torch's functions."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, batch_norm, conv2d, interpolate, leaky_relu, linear, max_pool2d

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.networks import biggan, biggan_deep
from saddlebench.games.networks.network import unfold

CLASSES = 5


@pytest.mark.parametrize(
    ("network", "size"),
    [
        (biggan.Generator(120, 3, 128, 96, 1000), 70_433_988),
        (biggan.Discriminator(3, 128, 96, 1000), 87_982_370),
        (biggan.Generator(80, 3, 32, 96, 10, attention=16), 9_416_196),
        (biggan.Discriminator(3, 32, 48, 10, attention=16), 2_415_170),
        (biggan_deep.Generator(128, 3, 128, 128, 1000), 50_388_609),
        (biggan_deep.Generator(128, 3, 128, 128, 1000, outputs=0), 50_244_484),
        (biggan_deep.Discriminator(3, 128, 128, 1000), 34_590_210),
    ],
    ids=lambda x: type(x).__module__.rpartition(".")[2] + type(x).__name__ if not isinstance(x, int) else str(x),
)
def test_parameter_counts_on_the_meta_device(network, size):
    """Those of the papers' tables and of public training logs; a network of that size runs on tensors without memory."""
    assert network.size == size
    flat = torch.empty(1, size, device="meta")
    vectors = torch.empty(1, sum(network.vectors.values()), device="meta")
    labels = torch.empty(1, 2, dtype=torch.int64, device="meta")
    generator = hasattr(network, "latent")
    shape = (network.latent,) if generator else (network.channels, network.side, network.side)
    answer = network(flat, torch.empty(1, 2, *shape, device="meta"), vectors, labels)
    assert answer.shape == ((2, 3, network.side, network.side) if generator else (1, 2))


@pytest.mark.parametrize("side", biggan.SIDES[:4])  # 256 px differs by one row of a table
@pytest.mark.parametrize("family", [biggan, biggan_deep])
def test_every_side_has_its_maps_and_its_parameters_matter(family, side):
    seeds, blocks = torch.tensor([3]), len(biggan.generator_widths(side)) - 1
    assert 4 * 2**blocks == side
    seen, classes = min(32, side // 2), 2
    g = family.Generator(2 * (blocks + 1), 3, side, 2, classes, 4, attention=seen, slope=0.2)  # no unit is dead
    d = family.Discriminator(3, side, 2, classes, attention=seen, slope=0.2)
    flats = [normal(seeds, n, network.size, dtype=torch.float32).requires_grad_() for n, network in (("g", g), ("d", d))]
    vectors = [network.start_vectors(x.detach(), seeds, "v") for network, x in zip((g, d), flats, strict=True)]
    labels = torch.arange(3)[None] % classes
    z = normal(seeds, "z", 3 * g.latent, dtype=torch.float32).view(1, 3, -1)
    images = unfold(g(flats[0], z, vectors[0], labels), 1)
    assert images.shape == (1, 3, 3, side, side)
    found = torch.autograd.grad((d(flats[1], images, vectors[1], labels) * torch.tensor([1.0, -2.0, 3.0])).sum(), flats)
    for network, gradient in zip((g, d), found, strict=True):
        idle = {name for name, x in network.named(gradient).items() if name.endswith("weight") and not x.any()}
        assert not idle, idle


def whole(network, what):
    """Random parameters of one run in float64, their names, and vectors by SVD: what power iteration converges to."""
    flat = normal(torch.tensor([5]), what, network.size) / 2
    named = network.named(flat)
    vectors = []
    for layer in network.layers:
        if layer.spectral:
            u, _, vh = torch.linalg.svd(named[f"{layer.name}.weight"][0].flatten(1), full_matrices=False)
            vectors += [u[:, 0], vh[0]]
    return flat, {name: x[0] for name, x in named.items()}, torch.cat(vectors)[None]


def divided(weight):
    return weight / torch.linalg.svdvals(weight.flatten(1))[0]


def conv(w, name, x, padding=0):
    return conv2d(x, divided(w[f"{name}.weight"]), w.get(f"{name}.bias"), padding=padding)


def up(x):
    return interpolate(x, scale_factor=2, mode="nearest")


def normed(w, name, x, c):
    gain, bias = (linear(c, divided(w[f"{name}.{part}.weight"]))[:, :, None, None] for part in ("gain", "bias"))
    return (1 + gain) * batch_norm(x, None, None, training=True, eps=1e-5) + bias


def attended(w, x):
    q, k, v = conv(w, "attention.theta", x), *(max_pool2d(conv(w, f"attention.{n}", x), 2) for n in ("phi", "g"))
    weight = torch.einsum("bcn,bcm->bnm", q.flatten(2), k.flatten(2)).softmax(-1)
    seen = torch.einsum("bnm,bcm->bcn", weight, v.flatten(2)).unflatten(2, x.shape[2:])
    return x + w["attention.gain"] * conv(w, "attention.o", seen)


def last_of(w, x, act):
    x = act(batch_norm(x, None, None, w["norm.gain"], w["norm.bias"], training=True, eps=1e-5))
    return conv(w, "last", x, 1).tanh()


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_generator_equals_its_description(slope):
    network = biggan.Generator(6, 3, 16, 2, CLASSES, 4, attention=8, slope=slope)
    flat, w, vectors = whole(network, "g")
    z, y = normal(torch.tensor([1]), "z", 24).view(4, 6), torch.tensor([0, 3, 3, 1])

    def act(x):
        return leaky_relu(x, slope)

    s, (first, *chunks) = w["shared.weight"][y], z.split(2, 1)
    x = linear(first, divided(w["first.weight"]), w["first.bias"]).view(4, 8, 4, 4)
    for k, chunk in enumerate(chunks):
        c, name = torch.cat([s, chunk], 1), f"block{k}"
        h = conv(w, f"{name}.conv0", up(act(normed(w, f"{name}.norm0", x, c))), 1)
        h = conv(w, f"{name}.conv1", act(normed(w, f"{name}.norm1", h, c)), 1)
        x = h + conv(w, f"{name}.shortcut", up(x))
        x = attended(w, x) if k == 0 else x
    found = network(flat, z[None], vectors, y[None])
    torch.testing.assert_close(found, last_of(w, x, act), rtol=1e-9, atol=1e-10)


def test_discriminator_equals_its_description():
    network = biggan.Discriminator(3, 16, 2, CLASSES, attention=8)
    flat, w, vectors = whole(network, "d")
    x, y = normal(torch.tensor([1]), "x", 4 * 3 * 256).view(4, 3, 16, 16), torch.tensor([0, 3, 3, 1])
    h = x
    for k in range(3):
        name, before = f"block{k}", h
        h = conv(w, f"{name}.conv1", conv(w, f"{name}.conv0", h if k == 0 else h.relu(), 1).relu(), 1)
        h = avg_pool2d(h, 2) + avg_pool2d(conv(w, f"{name}.shortcut", before), 2) if k < 2 else h + before
        h = attended(w, h) if k == 0 else h
    h = h.relu().sum((2, 3))
    expected = linear(h, divided(w["logit.weight"]), w["logit.bias"])[:, 0] + (h * divided(w["classes.weight"])[y]).sum(1)
    torch.testing.assert_close(network(flat, x[None], vectors, y[None])[0], expected, rtol=1e-9, atol=1e-10)
    two = torch.cat([network(flat, part[None], vectors, labels[None])[0] for part, labels in ((x[:1], y[:1]), (x[1:], y[1:]))])
    torch.testing.assert_close(two, expected, rtol=1e-9, atol=1e-10)  # real and generated images may be judged together or apart


def test_deep_generator_equals_its_description():
    network = biggan_deep.Generator(6, 3, 16, 2, CLASSES, 4, attention=8, outputs=5)
    flat, w, vectors = whole(network, "g")
    z, y = normal(torch.tensor([1]), "z", 24).view(4, 6), torch.tensor([0, 3, 3, 1])
    c = torch.cat([z, w["shared.weight"][y]], 1)
    x = linear(c, divided(w["first.weight"]), w["first.bias"]).view(4, 8, 4, 4)
    for k in range(2):
        for d in range(2):
            name = f"block{k}.{d}"
            h = conv(w, f"{name}.conv0", normed(w, f"{name}.norm0", x, c).relu())
            h = normed(w, f"{name}.norm1", h, c).relu()
            h = conv(w, f"{name}.conv1", up(h) if d else h, 1)
            h = conv(w, f"{name}.conv2", normed(w, f"{name}.norm2", h, c).relu(), 1)
            h = conv(w, f"{name}.conv3", normed(w, f"{name}.norm3", h, c).relu())
            x = h + (up(x) if d else x)[:, : h.shape[1]]
        x = attended(w, x) if k == 0 else x
    found = network(flat, z[None], vectors, y[None])
    torch.testing.assert_close(found, last_of(w, x, torch.relu)[:, :3], rtol=1e-9, atol=1e-10)


def test_deep_discriminator_equals_its_description():
    network = biggan_deep.Discriminator(3, 64, 2, CLASSES, attention=32)
    flat, w, vectors = whole(network, "d")
    x, y = normal(torch.tensor([1]), "x", 2 * 3 * 64 * 64).view(2, 3, 64, 64), torch.tensor([4, 1])
    h = conv(w, "first", x, 1)
    for k in range(4):
        for d in range(2):
            name, before = f"block{k}.{d}", h
            h = conv(w, f"{name}.conv0", h.relu())
            h = conv(w, f"{name}.conv2", conv(w, f"{name}.conv1", h.relu(), 1).relu(), 1).relu()
            if d == 0:
                h, before = avg_pool2d(h, 2), avg_pool2d(before, 2)
            if f"{name}.shortcut.weight" in w:
                before = torch.cat([before, conv(w, f"{name}.shortcut", before)], 1)
            h = conv(w, f"{name}.conv3", h) + before
        h = attended(w, h) if k == 0 else h
    h = h.relu().sum((2, 3))
    expected = linear(h, divided(w["logit.weight"]), w["logit.bias"])[:, 0] + (h * divided(w["classes.weight"])[y]).sum(1)
    torch.testing.assert_close(network(flat, x[None], vectors, y[None])[0], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    "network", [biggan.Generator(6, 3, 16, 2, CLASSES, 4, attention=8), biggan.Discriminator(3, 16, 2, CLASSES, 8)]
)
def test_power_iteration_finds_the_largest_singular_values(network):
    seeds = torch.tensor([3, 4])
    flat = normal(seeds, "w", network.size)
    vectors = network.start_vectors(flat, seeds, "v")
    for _ in range(300):
        vectors = network.iterate(flat, vectors)
    scope, found = network.scope(flat, vectors), 0
    for layer in network.layers:
        if layer.spectral:
            normalised = torch.linalg.svdvals(layer.weight(scope).flatten(2))[:, 0]  # W/σ
            torch.testing.assert_close(normalised, torch.ones_like(normalised), rtol=1e-4, atol=0)
            found += 1
    assert found > 10
    assert not any(layer.spectral for layer in network.layers if layer.name == "shared")


def test_without_class_and_hierarchy_norms_are_plain():
    plain = biggan.Generator(6, 3, 16, 2, hierarchical=False, attention=0)
    assert not any("shared" in name or "norm0.gain.weight" in name for name in plain.weights)
    own = biggan.Generator(6, 3, 16, 2, CLASSES, shared=0, hierarchical=False, attention=0)
    assert own.weights["block0.norm0.gain"].shape == (CLASSES, 8)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: biggan.Generator(120, 3, 48, 4), "side 48: use 16, 32"),
        (lambda: biggan.Generator(121, 3, 128, 4), "121 cannot be cut into 6 equal chunks"),
        (lambda: biggan.Generator(80, 3, 32, 4), "attention = 64: the maps have sides 8, 16, 32"),
        (lambda: biggan.Discriminator(3, 32, 4, attention=32), "attention = 32: the maps have sides 8, 16"),
        (lambda: biggan_deep.Generator(4, 3, 16, 4, attention=8, outputs=2), "an image has 3 channels"),
        (lambda: biggan.Generator(6, 3, 16, 4, CLASSES, 0, attention=8).size, "shared > 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, said):
    with pytest.raises(InputError, match=said.replace("+", r"\+")):
        wrong()
