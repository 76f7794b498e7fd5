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
from saddlebench.games.draws import normal, uniform
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.image_data import shades, training_set
from saddlebench.games.networks.lenet import SIDE
from saddlebench.games.networks.moments import Standing
from saddlebench.games.networks.network import Network, Scope
from saddlebench.games.networks.noisy_classifier import NoisyClassifier
from saddlebench.games.networks.softplus_generator import SoftplusGenerator
from saddlebench.games.shuffling import batch_of_epoch, factors, shuffled
from saddlebench.parameters import Count, NonNegativeScalar

_STANDING = 16  # batches behind the moments of batch norm in evaluation


def in_unit(x: Tensor) -> Tensor:
    """Pixels in [−1, 1] as in [0, 1], where D sees them."""
    return (x + 1) / 2


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
    """``sample.extra`` is a labelled batch and its labels, and the noise in D on real, generated and labelled images."""

    game: "SemiSupervisedGAN"

    @cached_property
    def _scope(self) -> Scope:
        return self.scope("discriminator")

    def judged(self, x: Tensor, k: int = 0) -> tuple[Tensor, Tensor]:
        """D's last hidden features and logits of ``(runs, batch, pixels)``, with the noise of the k-th kind where there is any."""
        judge, noise = self.game.judge, self.sample and self.sample.extra[2]
        scope = judge.told(self._scope, self.buffers[0], None if noise is None else noise[:, k, : x.shape[1]])
        features = judge.features(in_unit(x.to(self.profile[1].dtype)), scope)
        return features, judge.logits(features, scope)

    @cached_property
    def real(self) -> tuple[Tensor, Tensor]:
        return self.judged(self.sample.real, 0)

    @cached_property
    def fake(self) -> tuple[Tensor, Tensor]:
        return self.judged(self("generator", self.sample.latents), 1)

    @cached_property
    def labelled(self) -> Tensor:
        return self.judged(self.sample.extra[0], 2)[1]


@dataclass(frozen=True)
class SemiSupervisedGAN(DigitGame):
    """D = softmax of K + 1 classes, the last "generated": L_D = L_sup + λ L_unsup, L_G = ‖E h(x) − E h(G(z))‖² (feature matching).

    L_sup = −E log p_D(y | x, y ≤ K) on the few labelled images, L_unsup = −E log D(x) − E log(1 − D(G(z))) on the others, where
    D(x) = Z/(Z + 1), Z = Σ_k e^{l_k(x)}; h are D's last hidden features. The networks are those of Salimans et al. for MNIST: D has
    weight normalisation and normal noise before every layer, in training alone, G batch norm and uniform latents. They play
    alternately, D first, with Adam at 3e-3 and β₁ = 0.5 (``alternating-gradient`` with ``schedule = [1, 0]``).

    ``test_error``: of D on test images. With ``unsupervised=0`` D learns from the labelled images alone (the control).

    Raises:
        InputError: as `DigitGame`; labels that are no multiple of the classes, or cannot be shuffled; no hidden layer.
    """

    name = "semi-supervised-gan"
    paper = "Salimans et al. 2016"
    default_steps = 180000  # 300 epochs
    seen = _Seen

    batch: Count = 100  # images of each kind a draw; of labelled ones no more than there are
    latent: Count = 100  # size of z, uniform on [0, 1]
    width: Count = 500  # units of a hidden layer of G
    hidden: tuple[Count, ...] = (1000, 500, 250, 250, 250)  # units of D's hidden layers
    labels: Count = 100  # labelled images, as many of each class
    unsupervised: NonNegativeScalar = 0.5  # λ, of the loss on images without labels
    noise: NonNegativeScalar = 0.3  # standard deviation, on D's inputs, whose range is [0, 1]
    hidden_noise: NonNegativeScalar = 0.5  # standard deviation, on D's hidden layers
    evaluated: Count = 10000  # test images behind the error

    @classmethod
    def small(cls) -> Self:
        """As others, with 20 labels."""
        return replace(super().small(), labels=20, hidden=(6,))

    @property
    def code_size(self) -> int:
        """None: the generator is told nothing."""
        return 0

    @cached_property
    def judge(self) -> NoisyClassifier:
        """D."""
        return NoisyClassifier((self.pixels, *self.hidden, self.facts.classes))

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, Network]]:
        """G and D."""
        generator = SoftplusGenerator((self.latent, *(self.width,) * self.depth, self.pixels))
        return {"generator": {"generator": generator}, "discriminator": {"discriminator": self.judge}}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels % self.facts.classes:
            raise InputError(f"{self.name}: {self.labels} labels are no multiple of the {self.facts.classes} classes")
        if not self.hidden:
            raise InputError(f"{self.name}: feature matching needs a hidden layer")
        try:
            factors(self.labels)
        except ValueError as error:
            raise InputError(f"{self.name}: of {self.labels} labels, {error}") from error

    def _started(self, seeds: Tensor) -> tuple[Profile, Tensor]:
        """The start, and the lengths of D's hidden weights, which stay: by the first training images and by seed."""
        generator, judge = super().initial(seeds)
        channels, side = self.shape
        images = shades(training_set(self.data, side, channels, seeds.device).first(5 * self.batch)[0]).flatten(1)
        noise = self.noise_of(seeds, "starting noise", len(images))
        judge, lengths = self.judge.started(judge, in_unit(images).expand(len(seeds), -1, -1), noise)
        return (generator, judge), lengths

    def initial(self, seeds: Tensor) -> Profile:
        """Every network by seed; D's units have mean 0 and variance 1 on the first training images."""
        return self._started(seeds)[0]

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        """The lengths of D's hidden weights, constants of a run, whatever the profile."""
        return (self._started(seeds)[1],)

    def advance(self, profile: Profile, buffers: Buffers) -> Buffers:
        """The same."""
        return buffers

    def latents_of(self, seeds: Tensor, what: str, n: int, step: int = 0, draw: int = 0) -> Tensor:
        """``(runs, n, latent)`` numbers, uniform on [0, 1]."""
        return uniform(seeds, what, n * self.latent, step, draw, torch.float32).view(-1, n, self.latent)

    def noise_of(self, seeds: Tensor, what: str, n: int, step: int = 0, draw: int = 0) -> Tensor | None:
        """Of every layer of D, ``(runs, n, sum of their inputs)``; None: there is none."""
        if not self.noise and not self.hidden_noise:
            return None
        first, *rest = self.judge.inputs
        scale = torch.tensor([self.noise] * first + [self.hidden_noise] * sum(rest), device=seeds.device)
        return normal(seeds, what, n * len(scale), step, draw, torch.float32).view(-1, n, len(scale)).mul_(scale)

    def sample(self, seeds: Tensor, step: int, draw: int) -> Digits:
        """With a batch of the labelled images, each as often as another, and noise ``(runs, 3, batch, sum of D's inputs)``."""
        channels, side = self.shape
        known = labelled_set(self.data, side, channels, self.labels, tuple(seeds.tolist()), seeds.device)
        index = known.gather(1, batch_of_epoch(seeds, step, draw, min(self.batch, self.labels), self.labels))
        pixels, labels = training_set(self.data, side, channels, seeds.device).at(index)
        noise = self.noise_of(seeds, "noise", 3 * self.batch, step, draw)
        noise = None if noise is None else noise.unflatten(1, (3, -1))
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
            return feature_matching(seen.real[0], seen.fake[0])
        loss = class_loss(seen.labelled, seen.sample.extra[1])
        if self.unsupervised:
            loss = loss + self.unsupervised * unsupervised_loss(seen.real[1], seen.fake[1])
        return loss

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``test_error``."""
        images, labels = self.held_out(self.evaluated, seeds.device)
        with torch.no_grad():
            logits = _Seen(self, profile, None, buffers).judged(images.flatten(1).expand(len(seeds), -1, -1))[1]
        return {"test_error": (logits.argmax(-1) != labels).to(profile[0].dtype).mean(-1)}

    def samples(self, profile: Profile, seeds: Tensor, n: int, buffers: Buffers = ()) -> Tensor:
        """``(runs, n, side, side)``, with the moments of batch norm measured over latents of their own."""
        standing = Standing()
        seen = _Seen(self, profile, None, buffers, {"generator": standing})
        with torch.no_grad():
            for k in range(_STANDING):
                seen("generator", self.latents_of(seeds, "standing latents", self.batch, k))
            standing.collecting = False
            return seen("generator", self.latents_of(seeds, "evaluation latents", n)).unflatten(-1, (SIDE, SIDE))

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """None besides the samples."""
        return {}
