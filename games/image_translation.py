"""What translations between two domains of images share: what they draw, and how test images go there and back."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor

from saddlebench.games.data.cache import Split
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.moments import Standing
from saddlebench.games.shuffling import shuffled
from saddlebench.games.translation import PLAYERS, Domains, Translation

Domain = Literal["source", "target"]
NAMES = ("x", "y", "fake_y", "fake_x", "returned_x", "returned_y")
_CHUNK = 250  # images translated at a time for evaluation
_SHOWN = 8  # images in a picture


@dataclass(frozen=True)
class ImageTranslation(Translation):
    """Images of two domains, each once an epoch in an order of its own; what is no whole batch is left out."""

    standing_batches: ClassVar[int] = 0  # behind the moments of batch norm in evaluation, where the generators have it

    @cached_property
    @abstractmethod
    def items(self) -> int:
        """Training images of each domain."""

    @abstractmethod
    def images(self, domain: Domain, index: Tensor, split: Split) -> Tensor:
        """The domain's images of these numbers ``(…)``: ``(…, channels, side, side)`` in [−1, 1]."""

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of a domain's training images."""
        return self.items // self.batch

    def sample(self, seeds: Tensor, step: int, draw: int) -> Domains:
        """Images of both domains."""
        epoch, number = divmod(step, self.steps_per_epoch)
        positions = torch.arange(self.batch, device=seeds.device) + number * self.batch
        x = self.images("source", shuffled(seeds, "source", epoch, draw, positions, self.items), "train")
        return Domains(x, self.images("target", shuffled(seeds, "target", epoch, draw, positions, self.items), "train"))

    def held_out(self, profile: Profile, seeds: Tensor, n: int) -> dict[str, Tensor]:
        """Of each domain's first n test images: x, y, G(x), F(y), F(G(x)), G(F(y)), ``(runs, n, channels, side, side)``.

        They have the names of `NAMES`. An image does not depend on its neighbours: batch norm takes moments measured over fixed
        batches of training images with these very networks.
        """
        index = torch.arange(n, device=seeds.device)
        x, y = (self.images(domain, index, "test").to(profile[0].dtype) for domain in ("source", "target"))
        x, y = (z.expand(len(seeds), *z.shape) for z in (x, y))
        moments = {player: Standing() for player in PLAYERS[:2]} if self.standing_batches else {}
        found: dict[str, list[Tensor]] = {name: [] for name in NAMES}
        with torch.no_grad():
            for k in range(self.standing_batches):
                seen = self.translated(profile, self.sample(seeds, k, 2**20), moments)
                _ = seen.fake_y, seen.fake_x
            for standing in moments.values():
                standing.collecting = False
            for sources, targets in zip(x.split(_CHUNK, 1), y.split(_CHUNK, 1), strict=True):
                seen = self.translated(profile, Domains(sources, targets), moments)
                for name in NAMES:
                    found[name].append(getattr(seen, name))
        return {name: torch.cat(parts, 1) for name, parts in found.items()}

    def samples(self, profile: Profile, seeds: Tensor, n: int, buffers: Buffers = ()) -> Tensor:
        """G(x) of the first n test images; grey ones without the channels."""
        fake = self.held_out(profile, seeds, n)["fake_y"]
        return fake.squeeze(2) if fake.shape[2] == 1 else fake

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """Test images in rows: x, G(x), F(G(x)); and the other way: y, F(y), G(F(y))."""
        of = self.held_out(profile, seeds, _SHOWN)
        return {
            "translations": torch.stack([of[name] for name in ("x", "fake_y", "returned_x")], 2),
            "back-translations": torch.stack([of[name] for name in ("y", "fake_x", "returned_y")], 2),
        }
