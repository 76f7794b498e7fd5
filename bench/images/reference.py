"""Real images' features, computed once a machine.

They are kept in the data cache, in a file named after everything they depend on: extractor, images, which of them. Other weights,
another preprocessing or other images cannot meet an old file.
"""

import hashlib
import sys
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.images.extractors import Extractor, extract
from saddlebench.bench.images.pixels import channels_first
from saddlebench.games.data import ImageSet, data_root
from saddlebench.games.data.files import replacing

_PART = 2000  # images in memory at once
_SAID = 2000  # images from which on one should know what takes so long


def real_features(extractor: Extractor, images: ImageSet, rows: Tensor) -> Tensor:
    """Features ``(len(rows), d)`` of some images of a set, in the order of ``rows``."""
    fixed = f"{extractor.identity} {images.checksum} ".encode() + rows.numpy().astype(np.int64).tobytes()
    key = hashlib.sha256(fixed).hexdigest()[:16]
    path = data_root() / "features" / f"{extractor.name}-{images.split}-{len(rows)}-{key}.npy"
    try:
        found = np.load(path)
        if found.ndim == 2 and len(found) == len(rows):
            return torch.from_numpy(found)
    except (OSError, ValueError, EOFError):
        pass  # missing or torn: computed anew
    if len(rows) >= _SAID:
        print(f"{extractor.name}: features of {len(rows)} images of {images.name}, once a machine (minutes)", file=sys.stderr)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parts = (torch.from_numpy(images.images[part.numpy()]) for part in rows.split(_PART))
    features = torch.cat([extract(extractor, channels_first(part).to(device)) for part in parts])
    with suppress(OSError):  # a cache that cannot be written to costs time and nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.save(file, features.numpy())
    return features
