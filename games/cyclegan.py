"""CycleGAN: unpaired translation between two domains of images, judged by the true map between them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from saddlebench.games.data import image_facts, require_images
from saddlebench.games.data.cache import Split
from saddlebench.games.draws import Index, integers
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.image_data import shades, training_set
from saddlebench.games.image_translation import Domain, ImageTranslation
from saddlebench.games.known_map import KnownMap, in_colour
from saddlebench.games.networks.network import Network
from saddlebench.games.networks.patchgan import PatchGAN
from saddlebench.games.networks.translators import ResNetTranslator
from saddlebench.games.replay import Recall, recall, recalled, replenished
from saddlebench.games.translation import PLAYERS, Domains, Translated
from saddlebench.parameters import Count, Natural, NonNegativeScalar, Scalar


class Remembered(Translated):
    """Discriminators learn from the pool too."""

    game: "CycleGAN"

    def shown_fakes(self, discriminator: str) -> Tensor:
        """Newly translated images, some exchanged for those of the pool."""
        fresh = super().shown_fakes(discriminator)
        if not self.game.pool:
            return fresh
        k = 0 if discriminator == "target_discriminator" else 1
        return recalled(fresh, self.buffers[k], self.buffers[2], self.sample.further[k])


@dataclass(frozen=True)
class CycleGAN(ImageTranslation):
    """L_G = E(D_Y(G(x)) − 1)² + 10·(E|F(G(x)) − x| + E|G(F(y)) − y|) + 5·E|G(y) − y|, likewise L_F; D_Y and D_X by least squares.

    Zhu et al. 2017: residual generators, PatchGANs, L_D = ½E(D(real) − 1)² + ½E D(pool)², a pool of 50 translations
    (`saddlebench.games.replay`), batches of one. ``adversarial_weight`` is 2 because the least-squares loss of this suite carries
    the factor ½ that the paper's generators do without.

    The data are made so that the truth is known: X is the first half of the training images in grey, Y the other half under T,
    which turns them by ``angle``, inverts and tints them. No image is in both. Measures of test images: ``paired_error``
    E|G(x) − T(x)|, ``back_paired_error`` E|F(T(x)) − x|, ``cycle_error`` E|F(G(x)) − x|, of pixels in [−1, 1]. Controls are
    ``cycle_weight = 0`` and the start.

    Raises:
        InputError: no such data set or loss, images that cannot be halved.
    """

    name = "cyclegan"
    paper = "Zhu et al. 2017"
    default_steps = 30000  # 1 epoch of batches of one
    seen = Remembered

    data: str = "mnist"  # a data set of `saddlebench data list`; colours become grey
    angle: Scalar = 15.0  # of T's turn, in degrees, counter-clockwise
    adversarial_weight: NonNegativeScalar = 2.0  # of each generator's adversarial term
    identity_weight: NonNegativeScalar = 5.0  # of E|G(y) − y| and E|F(x) − x|
    pool: Natural = 50  # translations kept of each generator; 0: none
    generator_width: Count = 64  # channels of the first stage
    discriminator_width: Count = 64  # channels of the first stage
    blocks: Count = 6  # residual ones of a generator
    halvings: Count = 1  # of a discriminator: 1 sees patches of 16 × 16 pixels, 3 of 70 × 70
    evaluated: Count = 500  # test images behind the measures

    def __post_init__(self) -> None:
        for player in PLAYERS:
            self.network_of(player)

    @classmethod
    def small(cls) -> Self:
        """One or two channels, one block, batches of 2, a pool of 3."""
        return cls(generator_width=1, discriminator_width=2, blocks=1, batch=2, pool=3, evaluated=4, initialisation="xavier")

    def ready(self) -> None:
        """The images must be in the data cache."""
        require_images(self.data)

    @cached_property
    def _side(self) -> int:
        return image_facts(self.data).side

    @cached_property
    def items(self) -> int:
        """Training images of each domain."""
        return image_facts(self.data).items // 2

    def network_of(self, player: str) -> Network:
        """Residual generators; PatchGANs."""
        if player in PLAYERS[:2]:
            return ResNetTranslator(3, 3, self._side, self.generator_width, self.blocks)
        return PatchGAN(3, self._side, self.discriminator_width, self.halvings)

    @cached_property
    def truth(self) -> KnownMap:
        """T."""
        return KnownMap(self.angle)

    def images(self, domain: Domain, index: Tensor, split: Split) -> Tensor:
        """In grey, or under T; of test images both domains have the same, as pairs."""
        images = training_set(self.data, self._side, 1, index.device, split)
        if domain == "source":
            return in_colour(shades(images.at(index)[0]))
        return self.truth(shades(images.at(index + self.items if split == "train" else index)[0]))

    def sample(self, seeds: Tensor, step: int, draw: int) -> Domains:
        """Images of both domains, and what comes from the pools."""
        sample = super().sample(seeds, step, draw)
        return sample._replace(further=self._recalls(seeds, "recall", step, draw)) if self.pool else sample

    def _recalls(self, seeds: Tensor, what: str, step: Index, draw: int = 0) -> tuple[Recall, Recall]:
        forward, backward = (recall(seeds, f"{what} {domain}", self.pool, self.batch, step, draw) for domain in ("y", "x"))
        return forward, backward

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        """The pools of G(x) and of F(y) ``(runs, pool, 3, side, side)``, both empty, what they were offered, and the seeds."""
        if not self.pool:
            return ()
        empty = torch.zeros(len(seeds), self.pool, 3, self._side, self._side, device=seeds.device)
        return empty, empty.clone(), torch.zeros_like(seeds)[:, None], seeds[:, None]

    def advance(self, profile: Profile, buffers: Buffers) -> Buffers:
        """Both pools with a batch of the new generators' translations put in."""
        if not self.pool:
            return buffers
        forward, backward, offered, seeds = buffers
        with torch.no_grad():
            x, y = (integers(seeds[:, 0], f"offered {d}", self.batch, self.items, offered) for d in ("x", "y"))
            seen = self.translated(profile, Domains(self.images("source", x, "train"), self.images("target", y, "train")))
            put = self._recalls(seeds[:, 0], "replenish", offered)
            forward = replenished(seen.fake_y, forward, offered, put[0])
            backward = replenished(seen.fake_x, backward, offered, put[1])
        return forward, backward, offered + self.batch, seeds

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``paired_error``, ``back_paired_error`` and ``cycle_error``, as the class defines them."""
        of = self.held_out(profile, seeds, self.evaluated)
        pairs = {"paired_error": ("fake_y", "y"), "back_paired_error": ("fake_x", "x"), "cycle_error": ("returned_x", "x")}
        return {name: (of[a] - of[b]).abs().flatten(1).mean(-1) for name, (a, b) in pairs.items()}

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """Test images in rows, the truth last: x, F(G(x)), G(x), T(x); and T(x), G(F(T(x))), F(T(x)), x."""
        truths = {"translations": "back-translations", "back-translations": "translations"}
        plain = super().pictures(profile, seeds, buffers)
        return {name: torch.cat((strip[:, :, [0, 2, 1]], plain[truths[name]][:, :, :1]), 2) for name, strip in plain.items()}
