"""What a game must know of its images before any of them is opened."""

from dataclasses import dataclass

from saddlebench.games.data.cache import DATASETS, Split
from saddlebench.games.data.folder import list_images
from saddlebench.games.data.images import folder_form, folder_of, packed_form
from saddlebench.games.data.packed import packed_side, usual_facts
from saddlebench.games.data.preparing import Form


@dataclass(frozen=True)
class ImageFacts:
    """Of one split of a data set or folder, in the form asked for.

    Args:
        items: images.
        side: width and height, in pixels.
        channels: 1 (grey) or 3 (colour).
        classes: of the labels; 1 of a folder without subfolders.
    """

    items: int
    side: int
    channels: int
    classes: int


def image_facts(data: str, split: Split = "train", side: int | None = None, channels: int | None = None) -> ImageFacts:
    """The facts of what `image_set` would give, from a data set's description or a folder's listing: no picture is opened, and a
    data set need not be in the cache. One that is prepared by its user has the usual numbers until it is.

    Args:
        data: a data set's name, or the path of a folder.
        split: ``"train"`` or ``"test"``.
        side: of the images; a data set's own where none is given, and needed for a folder.
        channels: 1 or 3; a data set's own where none is given, and 3 for a folder.

    Raises:
        InputError: neither a data set nor a folder, no such split, no images in it, no side for a folder, or channels that are
            neither 1 nor 3.
    """
    if data in DATASETS:
        dataset = DATASETS[data]
        items, own, _, *colours = dataset.arrays[f"{split}_images"].shape
        form = Form(own if side is None else side, (colours[0] if colours else 1) if channels is None else channels)
        return ImageFacts(items, form.side, form.channels, dataset.classes)
    if packed_side(data) is not None:
        form = packed_form(data, side, channels)
        items, classes = usual_facts(data, split)
        return ImageFacts(items, form.side, form.channels, classes)
    listing = list_images(folder_of(data), split)
    form = folder_form(data, side, channels)
    return ImageFacts(len(listing.files), form.side, form.channels, len(listing.classes))
