"""AC-GAN: the discriminator also names the class."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from saddlebench.games.digit_game import DigitGame, Shown
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.mlp import MLP
from saddlebench.parameters import NonNegativeScalar


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy −E log p(y | x), ``(runs,)``, of logits ``(runs, batch, classes)`` and labels ``(runs, batch)``."""
    return cross_entropy(logits.mT, labels, reduction="none").mean(-1)


class _Seen(Shown):
    @cached_property
    def fake(self) -> Tensor:
        return self("trunk", self("generator", self.inputs))  # its features

    @cached_property
    def real(self) -> Tensor:
        return self("trunk", self.sample.real)

    def source(self, features: Tensor) -> Tensor:
        return self("source", features).squeeze(-1)

    def class_loss(self, features: Tensor) -> Tensor:
        return class_loss(self("class", features), self.sample.labels)


@dataclass(frozen=True)
class ACGAN(DigitGame):
    """D tells source and class: L_D = L_S + λ(C(x) + C(G(z, y))), L_G = L_S' + λ C(G(z, y)), C = −E log p_D(y | ·).

    L_S and L_S' are the adversarial losses of D's source head, C the cross-entropy of its class head; both heads stand on one
    trunk, which is not told the class. The paper maximises L_S + L_C and L_C − L_S; its λ is 1. Fully connected networks, ours.

    ``conditional_accuracy``: of a fixed classifier on G(z, y), chance .1, where it stays with λ = 0 (the control).
    ``class_diversity``: the variance of generated pixels within a class over that of real ones, averaged over classes: 1 is as
    diverse as the data. The game rewards images that are easy to classify, so it can fall (the paper's section 4.2 measures it).

    Raises:
        InputError: as `DigitGame`.
    """

    name = "ac-gan"
    paper = "Odena et al. 2017"
    default_steps = 9370  # 10 epochs
    seen = _Seen

    classification: NonNegativeScalar = 1.0  # λ, of the class head's cross-entropy

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, MLP]]:
        """G; D's trunk and two heads."""
        heads = {"source": MLP((self.width, 1)), "class": MLP((self.width, self.facts.classes))}
        return {"generator": {"generator": self.generator}, "discriminator": {"trunk": self.trunk(self.pixels), **heads}}

    def player_loss(self, i: int, seen: _Seen) -> Tensor:
        """L_G, or L_D."""
        fake_logits, classes = seen.source(seen.fake), seen.class_loss(seen.fake)
        if i == 0 and not self.adversarial.zero_sum:
            return self.adversarial.generator(fake_logits) + self.classification * classes
        own = self.adversarial.both(seen.source(seen.real), fake_logits)[i]
        return own + self.classification * (classes if i == 0 else classes + seen.class_loss(seen.real))

    @property
    def zero_sum(self) -> bool:
        """That of the loss, where classes count for nothing: both players want them recognised."""
        return self.adversarial.zero_sum and not self.classification

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``conditional_accuracy`` and ``class_diversity``."""
        asked, _ = self.evaluation_codes(seeds, self.evaluated)
        images = self.samples(profile, seeds, self.evaluated, buffers)
        real, labels = self.held_out(self.evaluated, seeds.device)
        spread = torch.stack(
            [_spread(images[:, asked[0] == y]) / _spread(real.flatten(1)[labels == y]) for y in _shared(asked[0], labels)]
        )
        accuracy = (self.classified(images) == asked).to(profile[0].dtype).mean(-1)
        return {"conditional_accuracy": accuracy, "class_diversity": spread.mean(0).to(profile[0].dtype)}


def _shared(asked: Tensor, labels: Tensor) -> list[int]:
    """Classes of which there are at least two in both."""
    counts = torch.minimum(asked.bincount(minlength=256), labels.bincount(minlength=256))
    return (counts >= 2).nonzero().flatten().tolist()


def _spread(images: Tensor) -> Tensor:
    """The variance over images ``(…, n, pixels…)``, summed over pixels: ``(…)``."""
    flat = images.flatten(-2) if images.dim() == 4 else images
    return flat.double().var(-2).sum(-1)
