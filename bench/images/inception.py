"""Inception as the numbers called FID, KID and Inception Score need it: torch-fidelity's port of TensorFlow's graph of 2015-12-05.

uint8 RGB images, TensorFlow 1's bilinear resize to 299 px (neither antialiasing nor aligned corners), (u − 128)/128, 2048 pooled
features; logits are 1008, without bias. Other ports of Inception and other resizes give other numbers.

Weights: the file that ``$SADDLEBENCH_INCEPTION`` names, or else torch-fidelity's download (91 MB, once, into torch's cache).
Packages: ``pip install 'saddlebench[fid]'``. A core does two to four images a second.
"""

import hashlib
import os
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from saddlebench.bench.images.pixels import colour
from saddlebench.errors import InputError
from saddlebench.games.data import SourceError
from saddlebench.games.data.sources import run_child

VARIABLE = "SADDLEBENCH_INCEPTION"
FEATURES = 2048
STANDARD = "6726825d"  # how the sha256 of the standard weights begins, by the name under which they are published

_DOWNLOAD = "from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3 as F; F('inception', ['2048'])"


class Inception:
    """The extractor.

    Args:
        path: the weights' file, in torch-fidelity's form.

    Attributes:
        identity: holds the sha256 of the file.
        standard: whether these are the standard weights. Values of others must not be called FID.

    Raises:
        InputError: torch-fidelity is not installed, or the file cannot be read.
    """

    name = "inception"
    batch = 50

    def __init__(self, path: Path) -> None:
        network = _network_class()
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            with torch.random.fork_rng(devices=[]):  # the constructor draws initial weights
                self.network = network("inception", ["2048"], feature_extractor_weights_path=str(path))
        except Exception as error:  # a pickle can fail in any way
            raise InputError(f"cannot read Inception's weights from {path}: {str(error).splitlines()[0]}") from error
        self.identity = f"inception 299px-tf1 sha256:{digest}"
        self.standard = digest.startswith(STANDARD)

    def features(self, images: Tensor) -> Tensor:
        """Vectors ``(N, 2048)`` of uint8 images ``(N, 1 or 3, H, W)``."""
        return self.network.to(images.device)(colour(images).contiguous())[0]

    def logits(self, features: Tensor) -> Tensor:
        """The 1008 logits without bias, in float64, of features ``(…, 2048)``."""
        return features.double() @ self.network.fc.weight.double().to(features.device).mT


@lru_cache(maxsize=1)
def inception() -> Inception:
    """The extractor with the weights that the module's text says, built once a process.

    Raises:
        InputError: the weights are not here and cannot be fetched; the message is one line that says what to do.
    """
    path = weights_file()
    if not path.is_file() and not os.environ.get(VARIABLE):
        try:
            with tempfile.TemporaryDirectory() as scratch:
                run_child([sys.executable, "-c", _DOWNLOAD], Path(scratch))
        except SourceError as error:
            raise InputError(
                f"no Inception weights: torch-fidelity cannot fetch them ({error}); put {path.name} into {path.parent}, or its "
                f"path into {VARIABLE}"
            ) from error
    return Inception(path)


def weights_file() -> Path:
    """Where the weights are, or would be.

    Raises:
        InputError: torch-fidelity is not installed.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    _network_class()
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    return Path(torch.hub.get_dir()) / "checkpoints" / URL_INCEPTION_V3.rpartition("/")[2]


def inception_score(logits: Tensor, splits: int = 10, seed: int = 2020) -> tuple[float, float]:
    """Mean and standard deviation of exp E KL(p(y|x) ‖ p(y)) over equal parts of logits ``(n, classes)`` in random order.

    Salimans et al. 2016; ten parts of 5,000 images each by convention.

    Raises:
        ValueError: fewer images than parts.
    """
    if len(logits) < splits:
        raise ValueError(f"{len(logits)} images, expected at least one for each of {splits} parts")
    order = torch.randperm(len(logits), generator=torch.Generator().manual_seed(seed)).to(logits.device)
    scores = []
    for part in logits[order].double().log_softmax(-1).tensor_split(splits):
        marginal = part.exp().mean(0).log()
        scores.append((part.exp() * (part - marginal)).sum(-1).mean().exp())
    values = torch.stack(scores)
    return values.mean().item(), values.std(correction=0).item()


def _network_class() -> type:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise InputError(f"FID, KID and Inception Score need torch-fidelity ({error}): pip install 'saddlebench[fid]'") from error
    return FeatureExtractorInceptionV3
