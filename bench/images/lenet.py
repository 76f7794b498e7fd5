"""The feature extractor and classifier of the MNIST measures: a small LeNet whose weights are part of the package.

    28 × 28 → conv 5×5, 16 maps, stride 2 → ReLU → conv 5×5, 32 maps, stride 2 → ReLU → 64 units → ReLU → 10 logits

The 64 activations are the features, the logits the classifier; 114,314 parameters. `bench/images/train_lenet.py` made
the weights. They never change: values are comparable only between runs with one extractor, so other weights need
another file, another `EXTRACTOR_HASH` and another column name.

Images come in one convention everywhere: float in [−1, 1] (what a tanh generator gives), or uint8 in [0, 255] with x
= u/127.5 − 1. Floats are clamped and rounded to the 256 grey levels, as if they had been saved, because real images
have no other values and a network must not tell the two sets apart by that.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load as read_safetensors
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils import skip_init

from saddlebench.errors import InputError

WEIGHTS = Path(__file__).with_name("lenet_mnist.safetensors")
EXTRACTOR_HASH = "db7722257b9061377c111c6457a72fd143eba62c3b4f2f9fb2cad1971a139f7f"  # sha256 of WEIGHTS
FEATURES = 64
CLASSES = 10
SIDE = 28

# Mean and standard deviation of the training images' pixels in [−1, 1].
_MEAN, _STD = 2 * 0.1307 - 1, 2 * 0.3081
_BATCH = 1000  # larger ones are no faster on a core, and cost memory


class LeNet(nn.Module):
    """The network, with weights not yet set; see `load_extractor` for the trained one.

    ``net(images)`` gives the features ``(N, 64)`` and is what a library that takes a feature module may be given;
    `outputs` gives features and logits.
    """

    num_features = FEATURES  # the name under which torchmetrics asks for it

    def __init__(self) -> None:
        super().__init__()
        # skip_init: torch would draw initial weights from the global generator.
        self.conv1 = skip_init(nn.Conv2d, 1, 16, 5, stride=2, padding=2)
        self.conv2 = skip_init(nn.Conv2d, 16, 32, 5, stride=2, padding=2)
        self.hidden = skip_init(nn.Linear, 32 * 7 * 7, FEATURES)
        self.output = skip_init(nn.Linear, FEATURES, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """The features ``(N, 64)`` of images in the convention of this module."""
        return self.outputs(images)[0]

    def outputs(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features ``(N, 64)`` and logits ``(N, 10)``, float32.

        Args:
            images: ``(N, 28, 28)``, ``(N, 1, 28, 28)`` or ``(N, 784)``; float in [−1, 1] or uint8. A non-finite pixel
                makes its image's outputs NaN.

        Raises:
            ValueError: another shape or dtype.
        """
        hidden = relu(self.conv1((as_pixels(images) - _MEAN) / _STD))
        hidden = relu(self.conv2(hidden)).flatten(1)
        features = relu(self.hidden(hidden))
        return features, self.output(features)


def as_pixels(images: Tensor) -> Tensor:
    """Images ``(N, 1, 28, 28)``, float32 in [−1, 1] on the 256 grey levels; non-finite pixels become NaN.

    Raises:
        ValueError: the shape is not one of `LeNet.outputs`, or the dtype neither uint8 nor floating.
    """
    if images.shape[1:] not in ((SIDE, SIDE), (1, SIDE, SIDE), (SIDE * SIDE,)):
        raise ValueError(f"images have shape {tuple(images.shape)}, expected (N, 28, 28), (N, 1, 28, 28) or (N, 784)")
    if images.dtype == torch.uint8:
        levels = images.float()
    elif images.is_floating_point():
        shown = ((images.float().clamp(-1, 1) + 1) * 127.5).round()
        levels = torch.where(images.isfinite(), shown, torch.nan)
    else:
        raise ValueError(f"images are {images.dtype}, expected uint8 in [0, 255] or floats in [-1, 1]")
    return (levels / 127.5 - 1).reshape(-1, 1, SIDE, SIDE)


def load_extractor() -> LeNet:
    """The trained network, in eval mode, without gradients of its weights, on the CPU; a new one at each call.

    Raises:
        InputError: the weights file is missing or is not the one of `EXTRACTOR_HASH`.
    """
    net = LeNet()
    net.load_state_dict(read_safetensors(_weights()))
    return net.eval().requires_grad_(False)


@torch.no_grad()
def extract(net: LeNet, images: Tensor) -> tuple[Tensor, Tensor]:
    """Features ``(N, 64)`` and logits ``(N, 10)`` of any number of images, in full float32 on any device."""
    # TF32 convolutions, a GPU's default, move features by 1e-3; so would a surrounding autocast.
    with (
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        torch.autocast(images.device.type, enabled=False),
    ):
        parts = [net.outputs(batch) for batch in images.split(_BATCH)]
    features, logits = zip(*parts, strict=True)
    return torch.cat(features), torch.cat(logits)


@lru_cache(maxsize=1)
def _weights() -> bytes:
    """The bytes of the weights file, verified."""
    try:
        content = WEIGHTS.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the MNIST extractor's weights ({error}): reinstall saddlebench") from error
    found = hashlib.sha256(content).hexdigest()
    if found != EXTRACTOR_HASH:
        raise InputError(f"{WEIGHTS} has sha256 {found}, expected {EXTRACTOR_HASH}: reinstall saddlebench")
    return content
