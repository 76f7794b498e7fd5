"""GANs on images: convolutional networks, data sets on the device, everything that a loss is made of."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from saddlebench.errors import InputError
from saddlebench.games.data import ImageFacts, image_facts, is_named
from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.image_data import ImageData
from saddlebench.games.latents import LatentLaw
from saddlebench.games.networks.dcgan import doublings
from saddlebench.games.networks.gan import Batch
from saddlebench.games.networks.moments import Standing
from saddlebench.games.networks.network import Critic, Network, Scheme, unfold
from saddlebench.games.regularisation import RegularisedGAN
from saddlebench.parameters import Count

_CHUNK = 250  # images generated at a time for evaluation


@dataclass(frozen=True)
class ImageGAN(ImageData, LatentLaw, RegularisedGAN):
    """A generator and a discriminator of convolutions on a labelled set of images, in [−1, 1].

    Every image is drawn once an epoch, in an order of its own by seed and epoch, and the remainder of an epoch that is no whole
    batch is left out, other images each time. In training, batch norm takes the moments of its batch; in evaluation those
    measured over fixed batches with the weights that are evaluated, so that an image does not depend on its neighbours. A
    conditional game asks the generator for the classes of the batch's real images.

    Raises:
        InputError: no such loss or architecture, sizes that do not fit, a batch larger than the data set.
    """

    latent: Count = 128  # size of z
    generator_width: Count = 64  # channels
    discriminator_width: Count = 64  # channels
    conditional: bool = False  # networks that are told the class
    micro_batches: Count = 1  # parts evaluated one at a time: less memory, the same gradient where no term sees a whole batch
    cross_replica: bool = True  # batch norm's moments span the processes that share a batch; else they are each part's own
    initialisation: Scheme = "normal"  # of the weights
    standing_batches: Count = 16  # behind the moments of batch norm in evaluation
    metrics: str = ""  # settings of its image measures: "n_fake=500&also=fid,memorisation"; "none": without measures
    precision: Literal["float32", "bfloat16"] = "float32"  # of convolutions; parameters, losses and moments stay as they are

    def __post_init__(self) -> None:
        RegularisedGAN.__post_init__(self)
        ImageData.__post_init__(self)
        doublings(self.shape[1])
        if self.conditional and self.classes < 2:
            raise InputError(f"{self.name}: {self.data} has no classes to be told: put its images into a subfolder a class")
        if self.batch % self.micro_batches:
            raise InputError(f"{self.name}: a batch of {self.batch} cannot be cut into {self.micro_batches} equal parts")

    @cached_property
    @abstractmethod
    def networks(self) -> tuple[Network, Critic]:
        """Generator and discriminator."""

    @property
    def image_measures(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - here it depends on a parameter
        """Those of the images, with the settings asked for; a conditional game shows its classes in turn."""
        if self.metrics == "none":
            return ""
        channels, side = self.shape
        own = is_named(self.data) and (channels, side) == _shape(image_facts(self.data))
        form = "" if own else f"side={side}&channels={channels}"
        settings = [part for part in (form, self.metrics, "labels=in-turn" if self.conditional else "") if part]
        return "?".join([self.data, *(["&".join(settings)] if settings else [])])

    @property
    def classes(self) -> int:
        """Of the labels; 0 where the networks are not told."""
        return self.facts.classes if self.conditional else 0

    @property
    def latent_size(self) -> int:
        """As given."""
        return self.latent

    @property
    def sizes(self) -> tuple[int, ...]:
        """Parameters of G and D."""
        return tuple(network.size for network in self.networks)

    def initial(self, seeds: Tensor) -> Profile:
        """Both networks by seed.

        Raises:
            InputError: the data set is missing; said here so that a run without it fails before it starts.
        """
        if seeds.device.type != "meta":  # where a step is planned
            self.ready()
        start = (n.initial(seeds, player, self.initialisation) for n, player in zip(self.networks, self.players, strict=True))
        return tuple(self.project(i, x) for i, x in enumerate(start))

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        """Power-iteration vectors of G and D; with historical averaging also both means and how many strategies they are of."""
        vectors = tuple(
            n.start_vectors(x, seeds, f"{player} power iteration")
            for n, x, player in zip(self.networks, profile, self.players, strict=True)
        )
        if not self.historical_averaging:
            return vectors if any(v.numel() for v in vectors) else ()
        return *vectors, *(x.detach().clone() for x in profile), torch.ones(len(seeds), 1, device=seeds.device)

    def advance(self, profile: Profile, buffers: Buffers) -> Buffers:
        """One power iteration; the means with the new strategies."""
        if not buffers:
            return buffers
        vectors = tuple(n.iterate(x.detach(), b) for n, x, b in zip(self.networks, profile, buffers, strict=False))
        if not self.historical_averaging:
            return vectors
        count = buffers[4] + 1
        means = (m + (x.detach() - m) / count for m, x in zip(buffers[2:4], profile, strict=True))
        return *vectors, *means, count

    def sample(self, seeds: Tensor, step: int, draw: int) -> Batch:
        """Latents ``(runs, batch, latent)``, images ``(runs, batch, channels, side, side)`` in [−1, 1], labels, noise."""
        z = normal(seeds, "latents", self.batch * self.latent, step, draw, torch.float32).view(-1, self.batch, self.latent)
        z = self.shaped(z)
        images, labels = self.drawn(seeds, step, draw)
        return self.completed(z, images, seeds, step, draw, labels if self.conditional else None)

    def shown(self, z: Tensor) -> Tensor:
        """Standard normal numbers as the latents of images that are shown or judged."""
        return self.shaped(z)

    def evaluation_latents(self, seeds: Tensor, n: int) -> Tensor:
        """``(runs, n, latent)``, which no training step sees."""
        return self.shown(super().evaluation_latents(seeds, n))

    def _cast(self, like: Tensor) -> AbstractContextManager[Any]:
        if self.precision == "float32" or like.device.type == "meta":  # which has no autocast
            return nullcontext()
        return torch.autocast(like.device.type, torch.bfloat16)

    def produce(self, profile: Profile, sample: Batch, buffers: Buffers) -> Tensor:
        """Images ``(runs, batch, channels, side, side)`` in [−1, 1]."""
        flat = profile[0]
        with self._cast(flat):
            images = self.networks[0](flat, sample.latents.to(flat.dtype), buffers[0] if buffers else None, sample.generated.labels)
        return unfold(images, len(flat)).to(flat.dtype)

    def judge(self, profile: Profile, x: Tensor, sample: Batch, buffers: Buffers) -> Tensor:
        """Logits ``(runs, batch)``."""
        flat = profile[1]
        with self._cast(flat):
            return self.networks[1](flat, x, buffers[1] if buffers else None, sample.labels).to(flat.dtype)

    def hidden(self, profile: Profile, x: Tensor, sample: Batch, buffers: Buffers) -> Tensor:
        """The discriminator's last hidden features."""
        network = self.networks[1]
        return network.features(x, network.scope(profile[1], buffers[1] if buffers else None, sample.labels))

    def generate(self, generator: Tensor, latents: Tensor) -> Tensor:
        """Images of an unconditional generator without spectral norm."""
        return unfold(self.networks[0](generator, latents), len(generator))

    def logits(self, discriminator: Tensor, x: Tensor) -> Tensor:
        """One logit an image, of an unconditional discriminator without spectral norm."""
        return self.networks[1](discriminator, x)

    def losses(self, profile: Profile, sample: Batch, buffers: Buffers) -> tuple[Tensor, ...]:
        """(L_G, L_D)."""
        return self.in_parts(lambda part: super(ImageGAN, self).losses(profile, part, buffers), sample)

    def loss_of(self, i: int, profile: Profile, sample: Batch, buffers: Buffers) -> Tensor:
        """Player i's alone."""
        return self.in_parts(lambda part: (super(ImageGAN, self).loss_of(i, profile, part, buffers),), sample)[0]

    def in_parts(self, losses: Callable[[Batch], tuple[Tensor, ...]], sample: Batch) -> tuple[Tensor, ...]:
        """The mean over the micro-batches, each evaluated again when its derivative is taken, so that only one is in memory.

        A process's part of a shared batch is cut into pieces of the same size, or smaller ones.
        """
        n, most = sample.latents.shape[1], self.batch // self.micro_batches
        if n <= most:  # all there is, or a part itself
            return losses(sample)
        count = next(c for c in range(-(-n // most), n + 1) if n % c == 0)
        parts = [checkpoint(losses, part, use_reentrant=False) for part in self.parts(sample, count)]
        return tuple(torch.stack(values).mean(0) for values in zip(*parts, strict=True))

    def from_latents(
        self, profile: Profile, latents: Tensor, seeds: Tensor, buffers: Buffers = (), labels: Tensor | None = None
    ) -> Tensor:
        """Images ``(runs, n, channels, side, side)`` (grey ones without the channels) in [−1, 1]; the seeds fix standing moments.

        A conditional game that is given no labels shows its classes in turn.
        """
        shown = torch.cat(list(self.shown_in_turn(profile, latents, seeds, buffers, labels)), 1)
        return shown.squeeze(2) if shown.shape[2] == 1 else shown

    def shown_in_turn(
        self, profile: Profile, latents: Tensor, seeds: Tensor, buffers: Buffers = (), labels: Tensor | None = None
    ) -> Iterator[Tensor]:
        """The same with their channels, 250 at a time."""
        flat, network, standing = profile[0], self.networks[0], Standing()
        vectors = buffers[0] if buffers else None

        @torch.no_grad()
        def images(z: Tensor, first: int, labels: Tensor | None = None) -> Tensor:
            if self.conditional and labels is None:
                labels = (torch.arange(z.shape[1], device=z.device) + first).expand(len(z), -1) % self.classes
            return unfold(network(flat, z.to(flat.dtype), vectors, labels, standing), len(flat))

        for k in range(self.standing_batches):
            z = normal(seeds, "standing latents", self.batch * self.latent, k).view(-1, self.batch, self.latent)
            images(self.shown(z), k * self.batch)
        standing.collecting = False
        for first in range(0, latents.shape[1], _CHUNK):
            part = slice(first, first + _CHUNK)
            yield images(latents[:, part], first, None if labels is None else labels[:, part])


def _shape(facts: ImageFacts) -> tuple[int, int]:
    return facts.channels, facts.side
