"""One picture in the form a game asks for: square, ``side`` pixels wide, grey or in colour, uint8.

The longer edge is cropped on both sides alike; the square is shrunk by the mean over each pixel's area (PIL's box filter), or
enlarged linearly. Colour becomes grey by ITU-R 601-2 luma, grey becomes colour by three equal channels.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from saddlebench.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # modes of more than 8 bits, which have no agreed scale


@dataclass(frozen=True)
class Form:
    """What an image is made into.

    Args:
        side: width and height in pixels.
        channels: 1 or 3.

    Raises:
        InputError: a value that cannot be.
    """

    side: int
    channels: int

    def __post_init__(self) -> None:
        if self.side < 1:
            raise InputError(f"a side of {self.side} pixels, expected at least 1")
        if self.channels not in (1, 3):
            raise InputError(f"{self.channels} channels, expected 1 (grey) or 3 (colour)")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an array of one image, as data sets have it: no axis for a single channel."""
        return (self.side, self.side) if self.channels == 1 else (self.side, self.side, 3)


def prepare_file(path: Path, form: Form) -> np.ndarray:
    """The image in a file, upright as its camera noted it.

    Raises:
        InputError: it cannot be decoded, or has more than 8 bits a channel.
    """
    return decode(path, form, str(path))[0]


def decode(source: Path | BytesIO, form: Form, name: str) -> tuple[np.ndarray, str]:
    """`prepare_file` of a file or its content, and the kind of picture that it was, as PIL calls it: ``RGB``, ``L``, ``CMYK``, …

    Raises:
        InputError: as `prepare_file`; ``name`` stands in the message.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(source) as opened:
            if opened.mode in _DEEP:
                raise InputError(f"{name} has more than 8 bits a channel ({opened.mode}): convert it first")
            return prepare(ImageOps.exif_transpose(opened), form), opened.mode
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot read the image {name}: {error}") from error


def prepare_array(image: np.ndarray, form: Form) -> np.ndarray:
    """The same of a uint8 array ``(H, W)`` or ``(H, W, 3)``."""
    from PIL import Image

    return prepare(Image.fromarray(image), form)


def prepare(image: "Image.Image", form: Form) -> np.ndarray:
    """A PIL image as a uint8 array of the form's shape."""
    from PIL import Image

    image = image.convert("L" if form.channels == 1 else "RGB")
    edge = min(image.size)
    left, top = ((size - edge) // 2 for size in image.size)
    how = Image.Resampling.BOX if form.side <= edge else Image.Resampling.BILINEAR
    return np.asarray(image.resize((form.side, form.side), how, box=(left, top, left + edge, top + edge)))
