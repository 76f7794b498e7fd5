"""Semi-supervised GAN: a classifier that also learns from images without labels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import softplus

from saddlebench.errors import InputError
from saddlebench.games.ac_gan import class_loss
from saddlebench.games.digit_game import DigitGame, Digits, Shown
from saddlebench.games.draws import integers, normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.image_data import shades, training_set
from saddlebench.games.networks.mlp import MLP
from saddlebench.games.shuffling import shuffled
from saddlebench.parameters import Count, NonNegativeScalar


@lru_cache(maxsize=8)
def labelled_set(data: str, side: int, channels: int, count: int, seeds: tuple[int, ...], device: torch.device) -> Tensor:
    """Which training images have a label, ``(runs, count)``: as many of each class, drawn by seed.

    ``count`` is a multiple of the number of classes.
    """
    labels = training_set(data, side, channels, device).labels
    n = len(labels)
    order = shuffled(torch.tensor(seeds, device=device), "labelled", 0, 0, torch.arange(n, device=device), n)
    each = count // int(labels.max() + 1)
    rows = []
    for run in order:
        in_class = torch.argsort(labels[run], stable=True)
        starts = labels.bincount().cumsum(0) - labels.bincount()
        rows.append(run[in_class[(starts[:, None] + torch.arange(each, device=device)).flatten()]])
    return torch.stack(rows)


def unsupervised_loss(real: Tensor, fake: Tensor) -> Tensor:
    """−E log D(x) − E log(1 − D(G(z))) with D = Z/(Z + 1), Z = Σ_k e^{l_k}: ``(runs,)`` of logits ``(runs, batch, classes)``.

    The (K+1)-th logit, of the class "generated", is 0: one of K + 1 logits can be, since a softmax has one too many.
    """
    return softplus(-real.logsumexp(-1)).mean(-1) + softplus(fake.logsumexp(-1)).mean(-1)


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    """‖E h(x) − E h(G(z))‖² over the number of features, ``(runs,)``, of features ``(runs, batch, features)``."""
    return (real.mean(1) - fake.mean(1)).square().mean(-1)


class _Seen(Shown):
    """``sample.extra`` is a labelled batch and its labels, and the noise on all three batches."""

    def seen(self, x: Tensor, k: int) -> Tensor:
        noise = self.sample.extra[2]
        return self("trunk", x if noise is None else x + noise[:, k].to(x.dtype))

    @cached_property
    def real(self) -> Tensor:
        return self.seen(self.sample.real, 0)

    @cached_property
    def fake(self) -> Tensor:
        return self.seen(self("generator", self.sample.latents), 1)

    @cached_property
    def labelled(self) -> Tensor:
        return self.seen(self.sample.extra[0], 2)


@dataclass(frozen=True)
class SemiSupervisedGAN(DigitGame):
    """D = softmax of K + 1 classes, the last "generated": L_D = L_sup + λ L_unsup, L_G = ‖E h(x) − E h(G(z))‖² (feature matching).

    L_sup = −E log p_D(y | x, y ≤ K) on the few labelled images, L_unsup = −E log D(x) − E log(1 − D(G(z))) on the others, where
    D(x) = Z/(Z + 1), Z = Σ_k e^{l_k(x)}; h are D's last hidden features. Normal noise is added to D's inputs. As in Salimans et
    al., whose D has five hidden layers with noise in each and weight normalisation; its defaults here are smaller.

    ``test_error``: of D on test images. With ``unsupervised=0`` D learns from the labelled images alone (the control).

    Raises:
        InputError: as `DigitGame`, or labels that are no multiple of the classes.
    """

    name = "semi-supervised-gan"
    paper = "Salimans et al. 2016"
    default_steps = 9370  # 10 epochs
    seen = _Seen

    labels: Count = 100  # labelled images, as many of each class
    unsupervised: NonNegativeScalar = 1.0  # λ, of the loss on images without labels
    noise: NonNegativeScalar = 0.3  # standard deviation, on D's inputs
    evaluated: Count = 10000  # test images behind the error

    @classmethod
    def small(cls) -> Self:
        """As others, with 20 labels."""
        return replace(super().small(), labels=20)

    @property
    def code_size(self) -> int:
        """None: the generator is told nothing."""
        return 0

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, MLP]]:
        """G; D's trunk and its K logits."""
        judge = {"trunk": self.trunk(self.pixels), "classes": MLP((self.width, self.facts.classes))}
        return {"generator": {"generator": self.generator}, "discriminator": judge}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels % self.facts.classes:
            raise InputError(f"{self.name}: {self.labels} labels are no multiple of the {self.facts.classes} classes")

    def sample(self, seeds: Tensor, step: int, draw: int) -> Digits:
        """With a batch of the labelled images, drawn with replacement, and the noise on D's inputs ``(runs, 3, batch, pixels)``."""
        channels, side = self.shape
        known = labelled_set(self.data, side, channels, self.labels, tuple(seeds.tolist()), seeds.device)
        index = known.gather(1, integers(seeds, "labelled batch", self.batch, self.labels, step, draw))
        pixels, labels = training_set(self.data, side, channels, seeds.device).at(index)
        noise = None
        if self.noise:
            noise = self.noise * normal(seeds, "noise", 3 * self.batch * self.pixels, step, draw, torch.float32)
            noise = noise.view(-1, 3, self.batch, self.pixels)
        return super().sample(seeds, step, draw)._replace(extra=(shades(pixels).flatten(2), labels, noise))

    def drawn_codes(self, seeds: Tensor, labels: Tensor, step: int, draw: int) -> Tensor:
        """None."""
        return torch.zeros(*labels.shape, 0)

    def codes_of(self, numbers: Tensor) -> Tensor:
        """None."""
        return torch.zeros(*numbers.shape, 0, device=numbers.device)

    def player_loss(self, i: int, seen: _Seen) -> Tensor:
        """L_G, or L_D."""
        if i == 0:
            return feature_matching(seen.real, seen.fake)
        loss = class_loss(seen("classes", seen.labelled), seen.sample.extra[1])
        if self.unsupervised:
            loss = loss + self.unsupervised * unsupervised_loss(seen("classes", seen.real), seen("classes", seen.fake))
        return loss

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``test_error``."""
        seen = _Seen(self, profile, None, buffers)
        images, labels = self.held_out(self.evaluated, seeds.device)
        with torch.no_grad():
            found = seen("classes", seen("trunk", images.flatten(1).expand(len(seeds), -1, -1))).argmax(-1)
        return {"test_error": (found != labels).to(profile[0].dtype).mean(-1)}

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """None besides the samples."""
        return {}
