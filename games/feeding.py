"""Real images for a game's batches: from the device's memory where the data set fits, else from the disk, one step ahead.

Which images a batch holds is a function of seed, step and draw, so whoever gathers them gives the same batch. A set that is
streamed stays memory-mapped; a thread gathers the rows of the batches that will be asked for next into page-locked memory and sends
them to the device on a stream of its own, while the device works on the batch before. What is asked for next is what followed the
same draw one step ago; a wrong guess costs a batch that waits.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.data import image_facts, load_images, require_images
from saddlebench.games.data.cache import Split

VARIABLE = "SADDLEBENCH_RESIDENT_GB"
_RESIDENT_GB = 4.0
_AHEAD = 2  # batches that wait

Indices = Callable[[Tensor, int, int], Tensor]  # (seeds, step, draw) → which images, ``(runs, batch)``


def resident_bytes() -> float:
    """The largest data set, in bytes, that is kept on the device whole: ``$SADDLEBENCH_RESIDENT_GB``, or 4 GB.

    Raises:
        InputError: the variable is no number.
    """
    text = os.environ.get(VARIABLE, "")
    try:
        return 1e9 * (float(text) if text else _RESIDENT_GB)
    except ValueError as error:
        raise InputError(f"{VARIABLE} is {text!r}, expected a number of gigabytes") from error


class TrainingSet:
    """A data set's training images on their way to a device.

    Args:
        images: uint8 ``(N, side, side)`` or ``(N, side, side, 3)``.
        labels: int64 ``(N,)``, on the device.
        device: where batches go.
        resident: keep all images on the device.

    Attributes:
        labels: as given.
        pixels: ``(N, channels, side, side)`` uint8 on the device, or None where they are streamed.
    """

    def __init__(self, images: Tensor, labels: Tensor, device: torch.device, resident: bool = True) -> None:
        self.labels, self.device = labels, device
        self.pixels = _planes(images).contiguous().to(device) if resident else None
        self._images = None if resident else images
        self._feeder: Feeder | None = None

    def batch(self, indices: Indices, seeds: Tensor, step: int, draw: int) -> tuple[Tensor, Tensor]:
        """Images ``(runs, batch, channels, side, side)`` uint8 and labels ``(runs, batch)`` of a sample."""
        index = indices(seeds, step, draw)
        if self._images is None:
            return self.at(index)
        if self.device.type == "meta":
            return _planes(self._images[index]), self.labels[index]
        if self._feeder is None or not self._feeder.serves(indices, seeds):
            self._feeder = Feeder(self._images, indices, seeds, self.device)
        return _planes(self._feeder.batch(step, draw)), self.labels[index]

    def at(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """The images ``(…, channels, side, side)`` uint8 with these numbers ``(…)``, and their labels ``(…)``."""
        if self._images is None:
            assert self.pixels is not None, "resident"
            return self.pixels[index], self.labels[index]
        return _planes(self._images[index.to(self._images.device)].to(self.device)), self.labels[index]

    def first(self, n: int) -> tuple[Tensor, Tensor]:
        """The first n images ``(n, channels, side, side)`` uint8 and labels ``(n,)``."""
        if self._images is None:
            assert self.pixels is not None, "resident"
            return self.pixels[:n], self.labels[:n]
        return _planes(self._images[:n].to(self.device)), self.labels[:n]


class Feeder:
    """The batches of one program, gathered ahead of their use.

    Args:
        images: as `TrainingSet`'s, in the computer's memory or on disk.
        indices: of the game.
        seeds: of the runs.
        device: where batches go.
    """

    def __init__(self, images: Tensor, indices: Indices, seeds: Tensor, device: torch.device) -> None:
        self._images, self._indices, self._device = images, indices, device
        self._served = seeds
        self._seeds = seeds.cpu()
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._pool = ThreadPoolExecutor(1, "images")  # one: batches come in the order in which they are wanted
        self._waiting: dict[tuple[int, int], Future[tuple[Tensor, torch.cuda.Event | None]]] = {}
        self._follows: dict[int, tuple[int, int]] = {
            0: (1, 0)
        }  # draw → by how much the step grows, and the draw, of the next batch
        self._last: tuple[int, int] | None = None

    def serves(self, indices: Indices, seeds: Tensor) -> bool:
        """Is this the feeder of these batches?"""
        return indices == self._indices and (seeds is self._served or torch.equal(seeds, self._served))

    def batch(self, step: int, draw: int) -> Tensor:
        """Images ``(runs, batch, side, side, …)`` uint8 on the device."""
        key = (step, draw)
        found = self._waiting.pop(key, None) or self._pool.submit(self._gathered, step, draw)
        self._learn(key)
        self._look_ahead(key)
        images, sent = found.result()
        if sent is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(sent)
            images.record_stream(current)
        return images

    def _learn(self, key: tuple[int, int]) -> None:
        last, step, draw = self._last, *key
        if last is not None and 0 <= step - last[0] <= 1 and key != last:  # a jump is a measurement, or another run
            self._follows[last[1]] = (step - last[0], draw)
        self._last = key

    def _look_ahead(self, key: tuple[int, int]) -> None:
        coming = []
        for _ in range(_AHEAD):
            grown, draw = self._follows.get(key[1], (1, 0))
            key = (key[0] + grown, draw)
            coming.append(key)
        for old in [k for k in self._waiting if k not in coming]:
            self._waiting.pop(old).cancel()
        for new in coming:
            if new not in self._waiting:
                self._waiting[new] = self._pool.submit(self._gathered, *new)

    def _gathered(self, step: int, draw: int) -> tuple[Tensor, "torch.cuda.Event | None"]:
        index = self._indices(self._seeds, step, draw)
        shape = (*index.shape, *self._images.shape[1:])
        rows = torch.empty((index.numel(), *shape[2:]), dtype=torch.uint8, pin_memory=self._stream is not None)
        torch.index_select(self._images, 0, index.flatten(), out=rows)
        if self._stream is None:
            return rows.view(shape), None
        with torch.cuda.stream(self._stream):
            sent = rows.to(self._device, non_blocking=True).view(shape)
            event = torch.cuda.Event()
            event.record(self._stream)
        return sent, event


def _planes(images: Tensor) -> Tensor:
    """``(…, channels, side, side)`` of ``(…, side, side)`` or ``(…, side, side, 3)``."""
    return images.movedim(-1, -3) if images.shape[-1] == 3 else images.unsqueeze(-3)


@lru_cache(maxsize=6)
def training_set(data: str, side: int, channels: int, device: torch.device, split: Split = "train") -> TrainingSet:
    """The images of a data set in a form, once a device and process; without their bytes on the meta device.

    Raises:
        InputError: the data set is not in the cache, or a folder's images cannot be read.
    """
    form = (side, side) if channels == 1 else (side, side, 3)
    if device.type == "meta":
        n = image_facts(data, split, side, channels).items
        images = torch.empty((1, *form), dtype=torch.uint8, device=device).expand(n, *form)  # streamed, it takes no memory there
        labels = torch.empty(n, dtype=torch.int64, device=device)
    else:
        require_images(data)
        found = load_images(data, split, side, channels)
        images, labels = torch.from_numpy(found[0]), torch.from_numpy(found[1]).long().to(device)
    return TrainingSet(images, labels, device, images.numel() <= resident_bytes())
