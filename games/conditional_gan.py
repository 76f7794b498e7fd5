"""Conditional GAN."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from saddlebench.games.digit_game import DigitGame, Shown
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.mlp import MLP


class _Seen(Shown):
    @cached_property
    def fake(self) -> Tensor:
        return self("generator", self.inputs)

    def judged(self, x: Tensor) -> Tensor:
        """D(x, y): the class beside the pixels, as long a vector as they are, or its ten numbers would be lost among 784."""
        told = self.sample.codes.to(x.dtype) * math.sqrt(self.game.pixels)
        return self("discriminator", torch.cat((x, told if self.game.informed else torch.zeros_like(told)), -1)).squeeze(-1)

    @cached_property
    def fake_logits(self) -> Tensor:
        return self.judged(self.fake)

    @cached_property
    def real_logits(self) -> Tensor:
        return self.judged(self.sample.real.to(self.profile[1].dtype))


@dataclass(frozen=True)
class ConditionalGAN(DigitGame):
    """x = G(z, y) against D(x, y), both told the class: L_D = E sp(−D(x, y)) + E sp(D(G(z, y), y)), y of the real images.

    Fully connected networks, the class beside the pixels and beside the latents, as in Mirza & Osindero; widths and depth are ours
    (theirs: maxout). `saddlebench.games.dcgan` has the convolutional form with a projection discriminator (``conditional=true``).

    ``conditional_accuracy``: of a fixed classifier on G(z, y), classes in turn; chance is .1, and so it stays where the
    discriminator is not told (``informed=false``, the control: then nothing makes the generator heed y).

    Raises:
        InputError: as `DigitGame`.
    """

    name = "conditional-gan"
    paper = "Mirza & Osindero 2014"
    default_steps = 9370  # 10 epochs
    seen = _Seen

    informed: bool = True  # is the discriminator told the class?

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, MLP]]:
        """G and D."""
        judge = self.critic(self.pixels + self.code_size, 1)
        return {"generator": {"generator": self.generator}, "discriminator": {"discriminator": judge}}

    @property
    def zero_sum(self) -> bool:
        """That of the loss."""
        return self.adversarial.zero_sum

    def player_loss(self, i: int, seen: _Seen) -> Tensor:
        """L_G, or L_D."""
        if i == 0 and not self.adversarial.zero_sum:
            return self.adversarial.generator(seen.fake_logits)
        return self.adversarial.both(seen.real_logits, seen.fake_logits)[i]

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``conditional_accuracy``."""
        asked, _ = self.evaluation_codes(seeds, self.evaluated)
        found = self.classified(self.samples(profile, seeds, self.evaluated, buffers))
        return {"conditional_accuracy": (found == asked).to(profile[0].dtype).mean(-1)}
