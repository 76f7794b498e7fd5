"""Labelled images on the device, and the parameters by which a game chooses them."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.data import ImageFacts, image_facts, is_named, load_images, require_images
from saddlebench.games.draws import bits
from saddlebench.games.feeding import training_set
from saddlebench.games.shuffling import batch_of_epoch, factors
from saddlebench.parameters import Count, Natural

if TYPE_CHECKING:  # the mixin is no game by itself, but what it adds to is one
    from saddlebench.games.game import Game as _Base
else:
    _Base = object


def shades(pixels: Tensor) -> Tensor:
    """uint8 in [0, 255] as float32 in [−1, 1]."""
    return pixels.float().div_(127.5).sub_(1)


@dataclass(frozen=True)
class ImageData(_Base):
    """What a game of images adds to its own parameters: ``class Mine(ImageData, NetworkGame)``.

    Every image is drawn once an epoch, in an order of its own by seed and epoch, and the remainder of an epoch that is no whole
    batch is left out, other images each time.

    Raises:
        InputError: no such data set, or a batch larger than it.
    """

    data: str = "cifar10"  # of `saddlebench data list`, imagenetSIDE, or a folder of images (in subfolders by class, or in none)
    side: Natural = 0  # pixels; 0: the data set's own, of a folder those of the game's usual images
    channels: Literal[0, 1, 3] = 0  # grey or colour; 0: likewise
    batch: Count = 64  # images, and as many latents, a draw
    flip: bool = False  # mirror half of the real images

    def __post_init__(self) -> None:
        if self.batch > self.items:
            raise InputError(f"{self.name}: a batch of {self.batch} is larger than the data set of {self.items}")

    def ready(self) -> None:
        """The images must be in the data cache, or in their folder, all of them readable."""
        require_images(self.data)
        channels, side = self.shape
        load_images(self.data, "train", side, channels)  # a folder's are decoded once, a data set's opened

    @cached_property
    def facts(self) -> ImageFacts:
        """Number, form and classes of the images."""
        usual = None if is_named(self.data) else image_facts(type(self).data)
        side = self.side or (usual and usual.side)
        return image_facts(self.data, "train", side, self.channels or (usual and usual.channels))

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and side of an image."""
        return self.facts.channels, self.facts.side

    @cached_property
    def items(self) -> int:
        """Training images in use: the largest number that can be shuffled without a table."""
        n = self.facts.items
        while True:
            try:
                factors(n)
                return n
            except ValueError:
                n -= 1

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of the training images."""
        return self.items // self.batch

    def indices(self, seeds: Tensor, step: int, draw: int) -> Tensor:
        """Which training images a sample holds, ``(runs, batch)``."""
        return batch_of_epoch(seeds, step, draw, self.batch, self.items)

    def drawn(self, seeds: Tensor, step: int, draw: int) -> tuple[Tensor, Tensor]:
        """Training images ``(runs, batch, channels, side, side)`` in [−1, 1] and their labels ``(runs, batch)``."""
        channels, side = self.shape
        pixels, labels = training_set(self.data, side, channels, seeds.device).batch(self.indices, seeds, step, draw)
        images = shades(pixels)
        if self.flip:
            mirrored = bits(seeds, "flip", step, draw, self.batch) % 2 == 1
            images = torch.where(mirrored[..., None, None, None], images.flip(-1), images)
        return images, labels

    def held_out(self, n: int, device: Any = None) -> tuple[Tensor, Tensor]:
        """The first n test images ``(n, channels, side, side)`` in [−1, 1] and labels ``(n,)``, which no training step sees."""
        channels, side = self.shape
        found = training_set(self.data, side, channels, torch.device(device or "cpu"), "test").first(n)
        return shades(found[0]), found[1]
