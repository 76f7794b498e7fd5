"""InfoGAN: codes that can be read off the images."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import one_hot

from saddlebench.games.ac_gan import class_loss
from saddlebench.games.digit_game import SHOWN, DigitGame, Shown
from saddlebench.games.draws import integers, uniform
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.network_game import AnyNetwork
from saddlebench.games.networks import dcgan
from saddlebench.games.networks.conv_encoder import ConvEncoder
from saddlebench.games.networks.layers import rectified
from saddlebench.games.networks.lenet import SIDE
from saddlebench.games.networks.mlp import MLP
from saddlebench.parameters import Count, Natural, NonNegativeScalar


class _Seen(Shown):
    @cached_property
    def fake(self) -> Tensor:
        return self("generator", self.inputs).flatten(2)

    @cached_property
    def fake_features(self) -> Tensor:
        return self.features_of(self.fake)

    def features_of(self, x: Tensor, trunk: str = "trunk") -> Tensor:
        """The last hidden features of images given as pixels."""
        network = self.game.networks[trunk]
        if isinstance(network, ConvEncoder):
            return rectified(self(trunk, x.unflatten(-1, (1, SIDE, SIDE))), network.slope)
        return self(trunk, x)

    @cached_property
    def fake_logits(self) -> Tensor:
        return self("source", self.fake_features).squeeze(-1)

    @cached_property
    def real_logits(self) -> Tensor:
        return self("source", self.features_of(self.sample.real)).squeeze(-1)

    def read(self, x: Tensor, features: Tensor | None = None) -> Tensor:
        """Q's outputs for images: from its own trunk, or over the discriminator's."""
        if self.game.trunks == "separate":
            return self("reader", self.features_of(x, "reader-trunk"))
        return self("reader", self.features_of(x) if features is None else features)

    @cached_property
    def losses(self) -> tuple[Tensor, Tensor]:
        """Of the category and of the continuous codes: −E log Q(c | G(z, c)), each ``(runs,)``."""
        shared = None if self.game.trunks == "separate" else self.fake_features
        return code_losses(self.read(self.fake, shared), self.sample.codes, self.game.categories, self.game.continuous)


def code_losses(read: Tensor, codes: Tensor, categories: int, continuous: int) -> tuple[Tensor, Tensor]:
    """−E log Q(c | x) of the category and of the continuous codes, ``(runs,)`` each.

    Args:
        read: ``(runs, batch, categories + 2·continuous)``: logits, then means and logarithms of standard deviations.
        codes: ``(runs, batch, categories + continuous)``: one 1 among the categories, then numbers.
        categories: how many.
        continuous: how many numbers; Q is a normal law for each, independent of one another.
    """
    logits, mean, log_std = read.split([categories, continuous, continuous], -1)
    told, numbers = codes.to(read.dtype).split([categories, continuous], -1)
    density = 0.5 * ((numbers - mean) * (-log_std).exp()).square() + log_std + 0.5 * math.log(2 * math.pi)
    return class_loss(logits, told.argmax(-1)), density.sum(-1).mean(-1)


@dataclass(frozen=True)
class InfoGAN(DigitGame):
    """min_{G,Q} max_D V(D, G) − λ L_I(G, Q), L_I = E log Q(c | G(z, c)) + H(c) ≤ I(c; G(z, c)): codes c that Q can read.

    Three players. G minimises its adversarial loss − λ L_I and Q −λ L_I. In the paper Q stands on D's layers: with
    ``trunks=shared`` the trunk is D's, Q owns a linear head that reads it, and D minimises its adversarial loss − λ L_I too, as the
    authors' program has it (else nobody would teach the trunk to see the codes); with ``separate`` Q has a trunk of its own and D
    plays V alone, which is the formula literally. The game is general-sum. Codes: one category of 10 (λ = 1) and two numbers
    uniform on [−1, 1] (λ = .1), read as normal laws. Networks are convolutional as in the paper, which has Adam at 2e-4 for D and
    1e-3 for G: `saddlebench.games.networks.dcgan.Generator`, and two convolutions and a linear layer below D's and Q's heads.

    ``hungarian_accuracy``: the share of test images whose label is that of Q's largest category, under the best matching of
    categories to labels: categories were found without any label. ``code_information``: L_I of the category, up to ln 10 = 2.303.
    With ``information=0`` nothing asks for the codes (the control).

    Raises:
        InputError: as `DigitGame`.
    """

    name = "infogan"
    paper = "Chen et al. 2016"
    default_steps = 9370  # 10 epochs
    seen = _Seen

    categories: Count = 10  # of the categorical code
    continuous: Natural = 2  # codes uniform on [−1, 1]
    information: NonNegativeScalar = 1.0  # λ of the category
    continuous_information: NonNegativeScalar = 0.1  # λ of the continuous codes
    convolutional: bool = True  # or fully connected networks
    width: Count = 64  # channels of D's first convolution and of G's last block; or units of a hidden layer
    norm: Literal["batch", "none"] = "batch"  # of D's and Q's convolutions
    trunks: Literal["shared", "separate"] = "shared"  # does Q read D's trunk, or one of its own?

    @property
    def code_size(self) -> int:
        """A number a category, and the continuous codes."""
        return self.categories + self.continuous

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, AnyNetwork]]:
        """G; D's trunk and head; Q's head, and its trunk where it has one."""
        if self.convolutional:
            features = 8 * self.width
            trunk = ConvEncoder(1, SIDE, self.width, features, self.norm)
            generator = dcgan.Generator(self.latent + self.code_size, 1, SIDE, self.width)
        else:
            trunk, features, generator = self.trunk(self.pixels), self.width, self.generator
        reader = {"reader": MLP((features, self.categories + 2 * self.continuous))}
        if self.trunks == "separate":
            reader = {"reader-trunk": trunk, **reader}
        judge = {"trunk": trunk, "source": MLP((features, 1))}
        return {"generator": {"generator": generator}, "discriminator": judge, "recogniser": reader}

    def player_loss(self, i: int, seen: _Seen) -> Tensor:
        """L_G, L_D, or L_Q."""
        if i == 1 and self.trunks == "separate":
            return self.adversarial.both(seen.real_logits, seen.fake_logits)[1]
        category, numbers = seen.losses  # L_I = H(c) − these
        unread = self.information * category + self.continuous_information * numbers
        if i == 2:
            return unread
        if i == 0 and not self.adversarial.zero_sum:
            return self.adversarial.generator(seen.fake_logits) + unread
        return self.adversarial.both(seen.real_logits, seen.fake_logits)[i] + unread

    def drawn_codes(self, seeds: Tensor, labels: Tensor, step: int, draw: int) -> Tensor:
        """By seed: no label is looked at."""
        category = integers(seeds, "category", self.batch, self.categories, step, draw)
        numbers = 2 * uniform(seeds, "codes", self.batch * self.continuous, step, draw, torch.float32) - 1
        return torch.cat((one_hot(category, self.categories), numbers.view(-1, self.batch, self.continuous)), -1)

    def codes_of(self, numbers: Tensor) -> Tensor:
        """The categories, with continuous codes 0."""
        told = one_hot(numbers % self.categories, self.categories).float()
        return torch.cat((told, told.new_zeros(*told.shape[:-1], self.continuous)), -1)

    def evaluation_codes(self, seeds: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Categories in turn, continuous codes by seed."""
        numbers = (torch.arange(n, device=seeds.device) % self.categories).expand(len(seeds), -1)
        codes = self.codes_of(numbers)
        spread = 2 * uniform(seeds, "evaluation codes", n * self.continuous, dtype=torch.float32) - 1
        return numbers, torch.cat((codes[..., : self.categories], spread.view(-1, n, self.continuous)), -1)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``hungarian_accuracy`` and ``code_information``."""
        seen, dtype = _Seen(self, profile, None, buffers), profile[0].dtype
        real, labels = self.held_out(self.evaluated, seeds.device)
        with torch.no_grad():
            read = seen.read(real.flatten(1).expand(len(seeds), -1, -1))[..., : self.categories].argmax(-1)
            _, codes = self.evaluation_codes(seeds, self.evaluated)
            images = self.generated(profile, self.latents_of(seeds, "evaluation latents", self.evaluated), codes, buffers)
            category, _ = code_losses(seen.read(images.flatten(2)), codes, self.categories, self.continuous)
        matched = [hungarian_accuracy(r, labels.cpu().numpy()) for r in read.cpu().numpy()]
        information = math.log(self.categories) - category
        return {"hungarian_accuracy": torch.tensor(matched, dtype=dtype, device=seeds.device), "code_information": information}

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``codes``: a column a category; ``code-1``, …: a row a category, one continuous code from −2 to 2."""
        numbers = torch.arange(self.categories, device=seeds.device)
        latents = self.latents_of(seeds, "evaluation latents", SHOWN)
        told = self.codes_of(numbers.repeat(SHOWN).expand(len(seeds), -1))
        images = self.generated(profile, latents.repeat_interleave(self.categories, 1), told, buffers)
        found = {"codes": images.unflatten(1, (SHOWN, self.categories))}
        for k in range(self.continuous):
            codes = self.codes_of(numbers.repeat_interleave(SHOWN).expand(len(seeds), -1))
            codes[..., self.categories + k] = torch.linspace(-2, 2, SHOWN, device=seeds.device).repeat(self.categories)
            images = self.generated(profile, latents[:, :1].expand(-1, codes.shape[1], -1), codes, buffers)
            found[f"code-{k + 1}"] = images.unflatten(1, (self.categories, SHOWN))
        return found


def hungarian_accuracy(found: np.ndarray, labels: np.ndarray) -> float:
    """The largest share of ``found == π(labels)`` over all matchings π of clusters to labels, both ``(n,)`` of small integers."""
    table = np.zeros((found.max() + 1, labels.max() + 1))
    np.add.at(table, (found, labels), 1)
    return float(table[linear_sum_assignment(-table)].sum() / len(labels))
