"""How the principal components of `saddlebench.bench.images.lite0` were made: ``python -m
saddlebench.bench.images.fit_basis [FILE]``.

The eigenvectors of the covariance of lite0's features of CIFAR-10's 50,000 training images that belong to the 64 largest
eigenvalues, each with the sign that makes its largest entry positive. Another machine may differ in the last bits, which is why
the file is committed and known by its hash. Takes ten minutes of a core.
"""

import hashlib
import sys
from pathlib import Path

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor

from saddlebench.bench.images.frechet import Moments
from saddlebench.bench.images.lite0 import COMPONENTS, lite0
from saddlebench.bench.images.reference import real_features
from saddlebench.games.data import image_set
from saddlebench.games.data.files import replacing


def principal_components(features: Tensor, count: int = COMPONENTS) -> tuple[Tensor, float]:
    """Directions ``(d, count)``, float32, of features ``(n, d)``, and the share of the variance that they hold."""
    values, vectors = torch.linalg.eigh(Moments.from_features(features).cov)
    chosen = vectors[:, -count:].flip(1)
    signs = chosen.gather(0, chosen.abs().argmax(0, keepdim=True)).sign()
    return (chosen * signs).float().contiguous(), (values[-count:].sum() / values.sum()).item()


def main(arguments: list[str]) -> None:
    """Fit, print what was found, and write the file if one is given."""
    images = image_set("cifar10", "train")
    basis, share = principal_components(real_features(lite0(), images, torch.arange(len(images.images))))
    content = to_safetensors({"basis": basis})
    print(f"{basis.shape[1]} components hold {share:.1%} of the variance; {len(content)} bytes")
    print(f"sha256 {hashlib.sha256(content).hexdigest()}")
    for path in arguments:
        with replacing(Path(path)) as file:
            file.write(content)


if __name__ == "__main__":
    main(sys.argv[1:])
