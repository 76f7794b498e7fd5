"""The feature extractors and classifiers of MNIST and Fashion-MNIST, bench's and the games': small LeNets, weights in the package.

    28 × 28 → conv 5×5, 16 maps, stride 2 → ReLU → conv 5×5, 32 maps, stride 2 → ReLU → 64 units → ReLU → 10 logits

The 64 activations are the features, the logits the classifier; 114,314 parameters. `bench/images/train_lenet.py` made
the weights. They never change: values are comparable only between runs with one extractor, so other weights need
another file, another hash and another column name.

Images come in one convention everywhere: float in [−1, 1] (what a tanh generator gives), or uint8 in [0, 255] with x
= u/127.5 − 1. Floats are clamped and rounded to the 256 grey levels, as if they had been saved, because real images
have no other values and a network must not tell the two sets apart by that.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load as read_safetensors
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils import skip_init

from saddlebench.errors import InputError, unknown

FEATURES = 64
CLASSES = 10
SIDE = 28

_BATCH = 1000  # larger ones are no faster on a core, and cost memory


@dataclass(frozen=True)
class Trained:
    """What one data set's LeNet differs in.

    Args:
        weights: the file.
        sha256: of the file.
        mean: of the training images' pixels in [0, 1].
        std: their standard deviation.
    """

    weights: Path
    sha256: str
    mean: float
    std: float


LENETS = {
    "mnist": Trained(
        weights=Path(__file__).with_name("lenet_mnist.safetensors"),
        sha256="db7722257b9061377c111c6457a72fd143eba62c3b4f2f9fb2cad1971a139f7f",
        mean=0.1307,
        std=0.3081,
    ),
    "fashion-mnist": Trained(
        weights=Path(__file__).with_name("lenet_fashion_mnist.safetensors"),
        sha256="c6a291598479fd999505828a4b89587ee1fdf8692ef8c516b8cc60341a890d48",
        mean=0.2860,
        std=0.3530,
    ),
}


class LeNet(nn.Module):
    """The network, with weights not yet set; see `load_extractor` for the trained one.

    ``net(images)`` gives the features ``(N, 64)`` and is what a library that takes a feature module may be given;
    `outputs` gives features and logits.

    Args:
        data: the data set whose mean and standard deviation inputs are scaled by.
    """

    num_features = FEATURES  # the name under which torchmetrics asks for it

    def __init__(self, data: str = "mnist") -> None:
        super().__init__()
        self._mean, self._std = 2 * LENETS[data].mean - 1, 2 * LENETS[data].std  # of pixels in [−1, 1]
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
        hidden = relu(self.conv1((as_pixels(images) - self._mean) / self._std))
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


def load_extractor(data: str = "mnist") -> LeNet:
    """The trained network, in eval mode, without gradients of its weights, on the CPU; a new one at each call.

    Raises:
        InputError: the weights file is missing or is not the one of `LENETS`.
    """
    net = LeNet(data)
    net.load_state_dict(read_safetensors(_weights(LENETS[data])))
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


@lru_cache(maxsize=4)
def fixed_classifier(data: str = "mnist", device: torch.device | str = "cpu") -> Callable[[Tensor], Tensor]:
    """A classifier that never changes, for a game's measures: images ``(…, 28, 28)`` to logits ``(…, 10)``, float32.

    It knows MNIST's test digits to 98.8 %. Images are grey, float in [−1, 1] or uint8, on any leading axes (runs, batch); one
    with a pixel that is not finite has NaN logits.

        >>> logits = fixed_classifier("mnist", images.device)(images)
        >>> accuracy = (logits.argmax(-1) == labels).double().mean(-1)

    Args:
        data: ``"mnist"`` or ``"fashion-mnist"``.
        device: where it computes.

    Raises:
        InputError: no such classifier, or its weights file is missing or another.
    """
    if data not in LENETS:
        raise unknown("classifier", data, LENETS)
    net = load_extractor(data).to(device)

    def classify(images: Tensor) -> Tensor:
        return extract(net, images.detach().flatten(0, -3))[1].unflatten(0, images.shape[:-2])

    return classify


@lru_cache(maxsize=2)
def _weights(trained: Trained) -> bytes:
    """The bytes of the weights file, verified."""
    try:
        content = trained.weights.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the image measures' weights ({error}): reinstall saddlebench") from error
    found = hashlib.sha256(content).hexdigest()
    if found != trained.sha256:
        raise InputError(f"{trained.weights} has sha256 {found}, expected {trained.sha256}: reinstall saddlebench")
    return content
