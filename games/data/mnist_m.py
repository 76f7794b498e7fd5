"""MNIST-M made here: each digit of MNIST against a crop of a photograph, x = |digit − crop| channel by channel.

Ganin et al. 2016 crop 28 pixels of the photographs of BSDS500, 481 pixels wide; ours are CIFAR-10's of 32, so 14 pixels are cropped
and doubled between (bilinear), which is about as smooth. They are of the same split as the digit, so that no background of a test
digit is seen in training. Which photograph and where it is cropped depends on the digit's number alone. Nothing is stored: images
are blended when they are asked for.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from saddlebench.games.data.cache import Split
from saddlebench.games.data.images import load_images, require_images
from saddlebench.games.draws import bits

SIDE = 28  # pixels
CLASSES = 10
_CROP = 14  # pixels of a photograph, shown at twice the size
DATA = ("mnist", "cifar10")  # what it is made of


@lru_cache(maxsize=4)
def _material(split: Split, device: torch.device) -> tuple[Tensor, ...]:
    """Digits, their labels, photographs ``(M, 32, 32, 3)``, and for each digit its photograph and the crop's corner."""
    for data in DATA:
        require_images(data)
    digits, labels = (torch.from_numpy(x) for x in load_images("mnist", split, SIDE, 1))
    photographs = torch.from_numpy(load_images("cifar10", split, 32, 3)[0])
    words = bits(torch.zeros(1, dtype=torch.int64), f"mnist-m {split}", 0, 0, 3 * len(digits))[0].view(3, -1)
    margin = photographs.shape[1] - _CROP + 1
    places = (words[0] * len(photographs) >> 32, words[1] * margin >> 32, words[2] * margin >> 32)
    return tuple(x.to(device) for x in (digits, labels.long(), photographs, *places))


def digits_of(split: Split, index: Tensor) -> tuple[Tensor, Tensor]:
    """MNIST in three channels: images ``(…, 3, 28, 28)`` in [−1, 1] and labels of digits ``(…)`` by number.

    Raises:
        InputError: a data set is not in the cache.
    """
    digits, labels = _material(split, index.device)[:2]
    images = digits[index].float().div_(127.5).sub_(1)
    return images.unsqueeze(-3).expand(*index.shape, 3, SIDE, SIDE), labels[index]


def blended(split: Split, index: Tensor) -> tuple[Tensor, Tensor]:
    """MNIST-M likewise.

    Raises:
        InputError: a data set is not in the cache.
    """
    digits, labels, photographs, choice, top, left = _material(split, index.device)
    rows, columns = (corner[index].unsqueeze(-1) + torch.arange(_CROP, device=index.device) for corner in (top, left))
    crops = photographs[choice[index][..., None, None], rows.unsqueeze(-1), columns.unsqueeze(-2)].movedim(-1, -3)
    smooth = interpolate(crops.flatten(0, -4).float(), scale_factor=SIDE // _CROP, mode="bilinear").unflatten(0, index.shape)
    images = (digits[index].float().unsqueeze(-3) - smooth).abs_().div_(127.5).sub_(1)
    return images, labels[index]
