"""What the tutorials' games on labelled digits share: fully connected networks, batches, evaluation, the fixed classifier."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.image_data import ImageData
from saddlebench.games.losses import AdversarialLoss, adversarial_loss
from saddlebench.games.network_game import NetworkGame, Networks
from saddlebench.games.networks.lenet import LENETS, SIDE, fixed_classifier
from saddlebench.games.networks.mlp import MLP
from saddlebench.games.networks.network import Scheme
from saddlebench.parameters import Count

SHOWN = 8  # pictures of a class or code in a strip


class Digits(NamedTuple):
    """One evaluation's sample.

    Attributes:
        latents: ``(runs, batch, latent)``, standard normal.
        real: ``(runs, batch, pixels)`` in [−1, 1].
        labels: int64 ``(runs, batch)``, of the real images.
        codes: what the generator is told besides the latents, ``(runs, batch, …)``: a class a row, codes; None: nothing.
        extra: what one game alone draws.
    """

    latents: Tensor
    real: Tensor
    labels: Tensor
    codes: Tensor | None = None
    extra: Any = None


@dataclass(frozen=True)
class DigitGame(ImageData, NetworkGame):
    """Fully connected networks on MNIST or Fashion-MNIST; the generator is told codes besides its latents.

    A subclass says what the codes are (`drawn_codes` in training, `codes_of` a class or number for pictures) and measures with
    `generated` and `classified`. The first ten codes of `codes_of` are the columns of the picture ``codes``.

    Raises:
        InputError: no such loss, another data set than the two, or a batch larger than it.
    """

    data: str = "mnist"  # or fashion-mnist: data sets that have a fixed classifier
    latent: Count = 62  # size of z, standard normal
    width: Count = 256  # units of a hidden layer
    depth: Count = 2  # hidden layers
    loss: str = "non-saturating"  # adversarial loss by name
    initialisation: Scheme = "xavier"  # of the weights
    evaluated: Count = 2000  # images behind each measure

    def __post_init__(self) -> None:
        if self.data not in LENETS:
            raise InputError(f"{self.name} is judged by a fixed classifier: data can be {' or '.join(LENETS)}, not {self.data}")
        ImageData.__post_init__(self)
        adversarial_loss(self.loss)

    @classmethod
    def small(cls) -> Self:
        """One hidden layer of 6, batches of 10, 40 images measured."""
        return cls(latent=3, width=6, depth=1, batch=10, evaluated=40)

    @property
    def adversarial(self) -> AdversarialLoss:
        """By name."""
        return adversarial_loss(self.loss)

    @property
    def code_size(self) -> int:
        """Numbers that the generator is told besides its latents: one a class."""
        return self.facts.classes

    @property
    def pixels(self) -> int:
        """Of an image."""
        return SIDE * SIDE

    @property
    def generator(self) -> MLP:
        """(z, code) to pixels in [−1, 1]."""
        return MLP((self.latent + self.code_size, *(self.width,) * self.depth, self.pixels), "leaky-relu", "tanh")

    def critic(self, inputs: int, outputs: int) -> MLP:
        """From ``inputs`` to logits, as deep as the generator."""
        return MLP((inputs, *(self.width,) * self.depth, outputs), "leaky-relu")

    def trunk(self, inputs: int) -> MLP:
        """The same to its last hidden features, for heads to be put on."""
        return MLP((inputs, *(self.width,) * self.depth), "leaky-relu", "leaky-relu")

    def latents_of(self, seeds: Tensor, what: str, n: int, step: int = 0, draw: int = 0) -> Tensor:
        """``(runs, n, latent)`` standard normal numbers."""
        return normal(seeds, what, n * self.latent, step, draw, torch.float32).view(-1, n, self.latent)

    def sample(self, seeds: Tensor, step: int, draw: int) -> Digits:
        """Latents, codes, and real images with their labels."""
        real, labels = self.drawn(seeds, step, draw)
        codes = self.drawn_codes(seeds, labels, step, draw)
        return Digits(self.latents_of(seeds, "latents", self.batch, step, draw), real.flatten(2), labels, codes)

    def drawn_codes(self, seeds: Tensor, labels: Tensor, step: int, draw: int) -> Tensor:
        """The codes of a training batch ``(runs, batch, code_size)``: the classes of its real images."""
        return self.codes_of(labels)

    def codes_of(self, numbers: Tensor) -> Tensor:
        """The codes of classes ``(runs, n)``: ``(runs, n, code_size)``."""
        return one_hot(numbers, self.code_size).float()

    def evaluation_codes(self, seeds: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Classes in turn ``(runs, n)`` and their codes, for `generated`."""
        numbers = (torch.arange(n, device=seeds.device) % self.facts.classes).expand(len(seeds), -1)
        return numbers, self.codes_of(numbers)

    def generated(self, profile: Profile, latents: Tensor, codes: Tensor, buffers: Buffers = ()) -> Tensor:
        """Images ``(runs, n, side, side)``."""
        seen = self.seen(self, profile, None, buffers)
        with torch.no_grad():
            return seen("generator", torch.cat((latents, codes), -1)).flatten(2).unflatten(-1, (SIDE, SIDE))

    def samples(self, profile: Profile, seeds: Tensor, n: int, buffers: Buffers = ()) -> Tensor:
        """``(runs, n, side, side)``, codes in turn, of latents that no training step sees."""
        _, codes = self.evaluation_codes(seeds, n)
        return self.generated(profile, self.latents_of(seeds, "evaluation latents", n), codes, buffers)

    def classified(self, images: Tensor) -> Tensor:
        """Classes ``(runs, n)`` of images by the fixed classifier."""
        return fixed_classifier(self.data, images.device)(images).argmax(-1)

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``codes``: a column a class or code, the latents of a row are one."""
        columns = self.facts.classes
        numbers = torch.arange(columns, device=seeds.device).repeat(SHOWN).expand(len(seeds), -1)
        latents = self.latents_of(seeds, "evaluation latents", SHOWN).repeat_interleave(columns, 1)
        images = self.generated(profile, latents, self.codes_of(numbers), buffers)
        return {"codes": images.unflatten(1, (SHOWN, columns))}


class Shown(Networks):
    """The players of a `DigitGame` on one sample."""

    game: Any

    @property
    def inputs(self) -> Tensor:
        """What the generator sees."""
        return torch.cat((self.sample.latents, self.sample.codes), -1)
