"""Generated images on their way to be judged: as bytes, some at a time, shared among processes."""

import torch
from torch import Tensor

from saddlebench.bench.distributed import Ranks
from saddlebench.bench.images.extractors import Extractor, extract
from saddlebench.bench.images.feature_metrics import Extracting
from saddlebench.bench.images.pixels import as_bytes
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.gan import GAN


def generated(
    game: GAN, profile: Profile, seeds: Tensor, n: int, buffers: Buffers, ranks: Ranks | None = None
) -> tuple[Tensor, Tensor]:
    """n images a run and which runs have no pixel that is not finite: uint8 ``(runs, n, …)``, as `GAN.samples` has them, and bool.

    With several processes each generates a part of them, and all get all, on the CPU.
    """
    first, last = (0, n) if ranks is None else ranks.rows(n)
    classes = getattr(game, "classes", 0)
    numbers = torch.arange(first, last, device=seeds.device)
    labels = (numbers % classes).expand(len(seeds), -1) if classes else None
    latents = game.evaluation_latents(seeds, n)[:, first:last]
    finite = torch.ones(len(seeds), dtype=torch.bool, device=profile[0].device)
    parts = []
    with torch.no_grad():
        for images in game.shown_in_turn(profile, latents, seeds, buffers, labels):
            finite &= images.isfinite().flatten(1).all(1)
            parts.append(as_bytes(images))
    own = torch.cat(parts, 1)
    if ranks is None:
        return own, finite
    together = ranks.gathered(own.transpose(0, 1), n).transpose(0, 1)
    return together, ranks.gathered(finite[None], ranks.world).all(0)


def extracted_together(ranks: Ranks, device: torch.device) -> Extracting:
    """`extract` by several processes that hold the same images: each does a part on its device, and all get all."""

    def extracting(extractor: Extractor, images: Tensor) -> Tensor:
        first, last = ranks.rows(len(images))
        return ranks.gathered(extract(extractor, images[first:last].to(device)), len(images))

    return extracting
