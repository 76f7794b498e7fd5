"""U-Net, PatchGAN, residual and encoder–decoder translators against torch's own layers, run by run."""

import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d, instance_norm, leaky_relu, pad

from saddlebench.errors import InputError
from saddlebench.games.networks.layers import Conv
from saddlebench.games.networks.network import unfold
from saddlebench.games.networks.patchgan import PatchGAN
from saddlebench.games.networks.translators import EncoderDecoder, ResNetTranslator, padded
from saddlebench.games.networks.unet import UNet, joined

NETWORKS = {
    "unet": UNet(2, 1, 12, 3),
    "patchgan": PatchGAN(2, 20, 3, 2, affine=True),
    "resnet": ResNetTranslator(3, 2, 12, 2, 2),
    "encoder-decoder": EncoderDecoder(1, 3, 14, 2, 2),
}


def made(network, make):
    """Parameters of three runs and images of each, in float64."""
    flat = network.initial(make.seeds, "network", "xavier", torch.float64)
    flat = flat + 0.1 * make.drawn("off zero", network.size)  # gains that are not 1, biases that are not 0
    channels = getattr(network, "inputs", None) or network.channels
    return flat, make.drawn("images", 2, channels, network.side, network.side)


def out(network, flat, x):
    y = network(flat, x)
    return unfold(y, len(flat)) if y.dim() == 4 else y


@pytest.mark.parametrize("name", NETWORKS)
def test_three_runs_together_are_three_alone(name, make):
    network = NETWORKS[name]
    flat, x = made(network, make)
    whole = out(network, flat, x)
    for run in range(3):
        torch.testing.assert_close(
            whole[run : run + 1], out(network, flat[run : run + 1], x[run : run + 1]), rtol=1e-10, atol=1e-11
        )


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "encoder-decoder"])  # whose batch norm sees the batch
def test_no_image_has_a_part_in_another(name, make):
    network = NETWORKS[name]
    flat, x = made(network, make)
    whole = out(network, flat, x).unflatten(1, (2, -1))
    for k in range(2):
        torch.testing.assert_close(whole[:, k], out(network, flat, x[:, k : k + 1]).unflatten(1, (1, -1))[:, 0])


def reference_unet(w, x):
    """Of a side of 12, reflected to 16: four halvings, of which the first and the innermost have no norm."""
    x = pad(x, (2, 2, 2, 2), mode="reflect")

    def norm(name, h):
        return instance_norm(h, weight=w[f"{name}.norm.gain"], bias=w[f"{name}.norm.bias"])

    def up(name, h):
        return conv_transpose2d(h.relu(), w[f"{name}.weight"], w.get(f"{name}.bias"), 2, 1)

    seen = [conv2d(x, w["down0.weight"], w["down0.bias"], 2, 1)]
    for k in (1, 2):
        seen.append(norm(f"down{k}", conv2d(leaky_relu(seen[-1], 0.2), w[f"down{k}.weight"], None, 2, 1)))
    h = conv2d(leaky_relu(seen[-1], 0.2), w["down3.weight"], w["down3.bias"], 2, 1)
    assert h.shape[-1] == 1
    for k in (3, 2, 1):
        h = norm(f"up{k}", up(f"up{k}", h))
        h = torch.cat((h, seen[k - 1]), 1)
    return up("up0", h).tanh()[..., 2:14, 2:14]


def reference_patchgan(w, x):
    h = leaky_relu(conv2d(x, w["conv0.weight"], w["conv0.bias"], 2, 1), 0.2)
    for k, stride in ((1, 2), (2, 1)):
        h = conv2d(h, w[f"conv{k}.weight"], None, stride, 1)
        h = leaky_relu(instance_norm(h, weight=w[f"norm{k}.gain"], bias=w[f"norm{k}.bias"]), 0.2)
    return conv2d(h, w["last.weight"], w["last.bias"], 1, 1)


def reference_resnet(w, x):
    def reflected(h, by):
        return pad(h, (by,) * 4, mode="reflect")

    h = instance_norm(conv2d(reflected(x, 3), w["first.weight"])).relu()
    for k in range(2):
        h = instance_norm(conv2d(h, w[f"down{k}.weight"], None, 2, 1)).relu()
    for k in range(2):
        inner = instance_norm(conv2d(reflected(h, 1), w[f"block{k}.conv0.weight"])).relu()
        h = h + instance_norm(conv2d(reflected(inner, 1), w[f"block{k}.conv1.weight"]))
    for k in range(2):  # as the paper's code doubles
        h = instance_norm(conv_transpose2d(h, w[f"up{k}.weight"], None, 2, 1, output_padding=1)).relu()
    return conv2d(reflected(h, 3), w["last.weight"], w["last.bias"]).tanh()


def reference_encoder_decoder(w, x):
    """Of a side of 14, reflected to 16: two halvings, two doublings."""

    def normed(name, h):
        gain, bias = (w[f"{name}.norm.{part}"][:, None, None] for part in ("gain", "bias"))
        mean, variance = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), keepdim=True, correction=0)
        return (h - mean) / (variance + 1e-5).sqrt() * gain + bias

    h = leaky_relu(conv2d(pad(x, (1, 1, 1, 1), mode="reflect"), w["down0.weight"], w["down0.bias"], 2, 1), 0.2)
    h = leaky_relu(normed("down1", conv2d(h, w["down1.weight"], None, 2, 1)), 0.2)
    h = normed("up0", conv_transpose2d(h, w["up0.weight"], None, 2, 1)).relu()
    return conv_transpose2d(h, w["up1.weight"], w["up1.bias"], 2, 1).tanh()[..., 1:15, 1:15]


REFERENCES = {
    "unet": reference_unet,
    "patchgan": reference_patchgan,
    "resnet": reference_resnet,
    "encoder-decoder": reference_encoder_decoder,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_is_what_torchs_layers_make(name, make):
    network = NETWORKS[name]
    flat, x = made(network, make)
    found, named = out(network, flat, x), network.named(flat)
    for run in range(3):
        expected = REFERENCES[name]({key: w[run] for key, w in named.items()}, x[run])
        if name == "patchgan":
            assert expected.shape[-1] == network.patches
            expected = expected.flatten()
        torch.testing.assert_close(found[run], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("halvings", "field"), [(1, 16), (2, 34), (3, 70)])
def test_a_patch_has_the_papers_size(halvings, field, make):
    """The pixels on which the logit in the middle depends. Norms, which see the whole image, are left out of the count."""
    network = PatchGAN(1, 96, 2, halvings)
    flat = network.initial(make.seeds[:1], "network", "xavier", torch.float64).abs() + 0.1
    x = torch.zeros(1, 1, 96, 96, dtype=torch.float64, requires_grad=True)
    named, h = network.named(flat), x
    for layer in network.layers:
        if f"{layer.name}.weight" in named:
            h = conv2d(h, named[f"{layer.name}.weight"][0], None, layer.stride, layer.padding)
    assert h.shape[-1] == network.patches
    middle = network.patches // 2
    (gradient,) = torch.autograd.grad(h[0, 0, middle, middle], x)
    seen = gradient[0, 0].nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [field, field]


def test_published_sizes():
    """What the authors' code prints: 54.414 M and 2.769 M (pix2pix), 11.378 M and 2.765 M (CycleGAN, with the biases that its
    instance norms take away).
    """
    assert UNet(3, 3, 256, 64).size == 54_414_531
    assert PatchGAN(6, 256, 64, 3, affine=True).size == 2_768_705
    for network, printed in ((ResNetTranslator(3, 3, 256, 64, 9), 11_378_179), (PatchGAN(3, 256, 64, 3), 2_764_737)):
        taken_away = sum(layer.outputs for layer in network.layers if isinstance(layer, Conv) and not layer.bias)
        assert network.size + taken_away == printed


def test_dropout_is_the_mask_times_the_stage(make):
    """Masks of 1 change nothing, others do; an inner stage's sizes are in the order of the decoder."""
    network = NETWORKS["unet"]
    flat, x = made(network, make)
    scope = network.scope(flat)
    assert network.noise == 12 * 2**2 + 6 * 4**2 + 3 * 8**2  # channels and side of the three stages after the innermost
    plain = network.forward(x, scope)
    scope.extra["masks"] = torch.ones(3, 2, network.noise, dtype=torch.float64)
    torch.testing.assert_close(network.forward(x, scope), plain)
    scope.extra["masks"] = torch.zeros(3, 2, network.noise, dtype=torch.float64)
    assert not torch.allclose(network.forward(x, scope), plain)


def test_joined_keeps_runs_apart():
    a, b = torch.arange(2 * 6).view(2, 6, 1, 1), 100 + torch.arange(2 * 3).view(2, 3, 1, 1)
    assert joined(a, b, 3)[0].flatten().tolist() == [0, 1, 100, 2, 3, 101, 4, 5, 102]


def test_padding_is_cut_back():
    x = torch.arange(9.0).view(1, 1, 3, 3)
    wide, cut = padded(x, 5)
    assert wide.shape[-1] == 5
    assert torch.equal(wide[cut], x)
    assert wide[0, 0, 0, 1] == x[0, 0, 1, 0]  # reflected at the edge, which is not repeated


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="halved 3 times"):
        PatchGAN(1, 16, 2, 3)
    with pytest.raises(InputError, match="multiple of 4"):
        ResNetTranslator(1, 1, 30)
