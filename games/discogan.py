"""DiscoGAN: relations between digits and clothing, found without pairs."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Self

from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.data import image_facts, require_images
from saddlebench.games.data.cache import Split
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.image_data import shades, training_set
from saddlebench.games.image_translation import Domain, ImageTranslation
from saddlebench.games.networks import dcgan
from saddlebench.games.networks.lenet import fixed_classifier
from saddlebench.games.networks.network import Network
from saddlebench.games.networks.translators import EncoderDecoder
from saddlebench.games.translation import PLAYERS
from saddlebench.parameters import Count, NonNegativeScalar

Data = Literal["mnist", "fashion-mnist"]


@dataclass(frozen=True)
class DiscoGAN(ImageTranslation):
    """L_G = E sp(−D_Y(G(x))) + E(F(G(x)) − x)² + E(G(F(y)) − y)², likewise L_F; D_Y and D_X by E sp(−D(real)) + E sp(D(fake)).

    Kim et al. 2017: encoder–decoders with batch norm against convolutional discriminators, here the suite's DCGAN's. X are MNIST's
    digits, Y Fashion-MNIST's clothing, of which no pairs are known. A relation is found if translations look like the other domain
    and still tell what they are of: ``round_trip_accuracy`` is the share of test digits that a fixed classifier still reads
    rightly in F(G(x)) (it reads .988 of the digits themselves), ``back_round_trip_accuracy`` the same of G(F(y)), and the Fréchet
    distance of G(x) to clothing stands beside them. ``cycle_weight = 0`` is the control.

    Raises:
        InputError: no such loss; domains of different size; generators that halve too often.
    """

    name = "discogan"
    paper = "Kim et al. 2017"
    default_steps = 9370  # 10 epochs
    standing_batches: ClassVar[int] = 16

    source: Data = "mnist"  # X
    target: Data = "fashion-mnist"  # Y
    batch: Count = 64  # images of each domain a draw
    loss: Literal["non-saturating", "lsgan", "hinge"] = "non-saturating"  # adversarial loss
    cycle_weight: NonNegativeScalar = 1.0  # of the reconstructions
    cycle_distance: Literal["l1", "l2"] = "l2"  # E|u − v|, or E(u − v)²
    generator_width: Count = 64  # channels of the first stage
    discriminator_width: Count = 64  # channels of the first stage
    halvings: Count = 3  # of a generator's encoder
    evaluated: Count = 1000  # test images of each domain behind the accuracies
    metrics: str = "reference=test&n_fake=1000"  # settings of the image measures of G(x); "none": without

    def __post_init__(self) -> None:
        if 2**self.halvings > 32:
            raise InputError(f"{self.name}: images of 28 pixels can be halved 5 times at most, not {self.halvings} times")

    @classmethod
    def small(cls) -> Self:
        """One or two channels, batches of 3."""
        return cls(
            generator_width=1, discriminator_width=2, batch=3, halvings=2, evaluated=4, metrics="none", initialisation="xavier"
        )

    def ready(self) -> None:
        """Both data sets must be in the cache."""
        require_images(self.source)
        require_images(self.target)

    @property
    def image_measures(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - here it depends on a parameter
        """Those of Y, of translated test images."""
        return "" if self.metrics == "none" else f"{self.target}?{self.metrics}"

    @cached_property
    def items(self) -> int:
        """Training images of each domain."""
        return image_facts(self.source).items

    def network_of(self, player: str) -> Network:
        """Encoder–decoders; the DCGAN's discriminators."""
        side = image_facts(self.source).side
        if player in PLAYERS[:2]:
            return EncoderDecoder(1, 1, side, self.generator_width, self.halvings)
        return dcgan.Discriminator(1, side, self.discriminator_width)

    def images(self, domain: Domain, index: Tensor, split: Split) -> Tensor:
        """Digits, or clothing."""
        data = self.source if domain == "source" else self.target
        return shades(training_set(data, image_facts(data).side, 1, index.device, split).at(index)[0])

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``round_trip_accuracy`` and ``back_round_trip_accuracy``, as the class defines them."""
        of = self.held_out(profile, seeds, self.evaluated)
        trips = {"round_trip_accuracy": (self.source, "returned_x"), "back_round_trip_accuracy": (self.target, "returned_y")}
        found = {}
        for name, (data, returned) in trips.items():
            labels = training_set(data, image_facts(data).side, 1, seeds.device, "test").labels
            read = fixed_classifier(data, seeds.device)(of[returned].squeeze(2)).argmax(-1)
            found[name] = (read == labels[: self.evaluated]).to(profile[0].dtype).mean(-1)
        return found
