"""DupGAN: two discriminators that also tell classes, one a domain, for unsupervised domain adaptation."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from saddlebench.games.adaptation import Adaptation, class_loss, moon_of
from saddlebench.games.data.mnist_m import SIDE
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.network_game import AnyNetwork, Networks
from saddlebench.games.networks import dcgan
from saddlebench.games.networks.lenet import fixed_classifier
from saddlebench.games.networks.mlp import MLP
from saddlebench.parameters import Natural, NonNegativeScalar, Scalar, Share

_SHOWN = 10  # images in a row of pictures


class Translated(Networks):
    """The five networks on a sample of both domains; s is domain 0, t domain 1."""

    def encoded(self, x: Tensor) -> Tensor:
        """z = E(x)."""
        z = self("encoder", x)
        return z.relu() if self.game.images else z.tanh()

    def decoded(self, z: Tensor, domain: int) -> Tensor:
        """G(z, domain): the domain is two more entries of z, one of them 1."""
        code = z.new_zeros(*z.shape[:-1], 2)
        code[..., domain] = 1
        return self("generator", torch.cat((z, code), -1))

    @cached_property
    def source(self) -> Tensor:
        """E(x_s)."""
        return self.encoded(self.sample.source)

    @cached_property
    def target(self) -> Tensor:
        """E(x_t)."""
        return self.encoded(self.sample.target)

    @cached_property
    def to_target(self) -> Tensor:
        """G(E(x_s), t)."""
        return self.decoded(self.source, 1)

    @cached_property
    def to_source(self) -> Tensor:
        """G(E(x_t), s)."""
        return self.decoded(self.target, 0)

    @cached_property
    def pseudo(self) -> tuple[Tensor, Tensor]:
        """The target's classes by C, and whether each is sure enough to be believed (1) or not (0); no derivative goes through."""
        sure, classes = self("classifier", self.target.detach()).detach().softmax(-1).max(-1)
        return classes, (sure >= self.game.threshold).to(sure.dtype)

    @cached_property
    def adapts(self) -> Tensor:
        """1 from the end of pretraining on, before it 0."""
        return self.source.new_ones(()) * (self.sample.step >= self.game.pretraining)

    @cached_property
    def classification(self) -> Tensor:
        """L_C: cross-entropy of C on the source, and on the believed part of the target."""
        source = class_loss(self("classifier", self.source), self.sample.labels)
        if not self.game.weight:
            return source
        return source + self.adapts * self.game.weight * class_loss(self("classifier", self.target), *self.pseudo)

    @cached_property
    def translation(self) -> Tensor:
        """L_G: that D_t finds a translated source to be of its class, D_s a translated target of that believed, and both decode."""
        source, target = self("target-discriminator", self.to_target), self("source-discriminator", self.to_source)
        deception = class_loss(source, self.sample.labels) + class_loss(target, *self.pseudo)
        return self.adapts * (deception + self.game.reconstruction * self.reconstruction)

    @cached_property
    def reconstruction(self) -> Tensor:
        """Mean squares of G(E(x_s), s) − x_s and of G(E(x_t), t) − x_t."""
        pairs = ((self.decoded(self.source, 0), self.sample.source), (self.decoded(self.target, 1), self.sample.target))
        return sum(((made - x.to(made)).square().flatten(1).mean(-1) for made, x in pairs), start=torch.zeros(()))

    def discriminator_loss(self, target: bool) -> Tensor:
        """L_Dt or L_Ds: real samples are of their class, translated ones of class K: fakes."""
        name, made = ("target-discriminator", self.to_target) if target else ("source-discriminator", self.to_source)
        fakes = self(name, made)
        fake = class_loss(fakes, torch.full(fakes.shape[:2], self.game.classes, device=fakes.device))
        if target:
            return self.adapts * (class_loss(self(name, self.sample.target), *self.pseudo) + fake)
        return self.adapts * (class_loss(self(name, self.sample.source), self.sample.labels) + fake)


@dataclass(frozen=True)
class DupGAN(Adaptation):
    """Encoder E and generator G(z, domain) translate both ways, D_s and D_t tell K classes and fakes, C classifies z.

    With H the mean cross-entropy, ŷ the class that C gives a sample of the target (H is over those of which it is as sure as the
    threshold), and X_st = G(E(x_s), t), X_ts, X_ss, X_tt likewise (Hu et al. 2018):

        L_C  = H(C(E(x_s)), y) + weight·H(C(E(x_t)), ŷ)
        L_Ds = H(D_s(x_s), y) + H(D_s(X_ts), K)
        L_Dt = H(D_t(x_t), ŷ) + H(D_t(X_st), K)
        L_G  = H(D_t(X_st), y) + H(D_s(X_ts), ŷ) + reconstruction·(E(X_ss − x_s)² + E(X_tt − x_t)²)
        L_E  = classification·L_C + weight·L_G

    For the first ``pretraining`` steps E and C learn from the source alone and the others rest: the classes that are believed first
    are those of a trained C. ŷ is new at every step. Five players, each with its own loss. ``weight = 0`` is the source-only row:
    pretraining that does not end. The weights, the threshold and the length of pretraining are ours.

    A class believed wrongly is learnt by C, by D_t and through D_s by E: the method needs domains so near that C is mostly right
    where it is sure. Of moons it is at 20°, and not at 35° (`docs/tutorials.md`): hence the angle.

    Measures besides the accuracies: ``believed`` and ``believed_accuracy``, the share of the target whose class is believed, in
    pretraining too, and how many of those classes are right (NaN where there are none). ``cross_domain_agreement``: how often a
    translated sample is of the class of what it was made from; of moons the class is that of the nearer half circle of the other
    domain, both ways, of images that of a fixed classifier of digits on G(E(x_t), s).

    Raises:
        InputError: a batch larger than the data.
    """

    name = "dupgan"
    paper = "Hu et al. 2018"
    default_steps = 3000
    seen = Translated

    angle: Scalar = 20.0  # degrees between the moons of the domains
    classification: NonNegativeScalar = 10.0  # weight of L_C in E's loss
    reconstruction: NonNegativeScalar = 10.0  # weight of the reconstructions
    threshold: Share = 0.99  # of C's probability, from which a class of the target is believed
    pretraining: Natural = 300  # steps in which the source alone is learnt

    @classmethod
    def small(cls) -> Self:
        """Moons, three units, every class believed."""
        return cls(width=3, features=3, batch=5, threshold=0.0, pretraining=0)

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, AnyNetwork]]:
        """A network a player."""
        n, k = self.features, self.classes
        decoder = dcgan.Generator(n + 2, 3, SIDE, self.width) if self.images else MLP((n + 2, self.width, 2), "tanh")
        found = {
            "encoder": self.encoder(n),
            "generator": decoder,
            "source-discriminator": self.encoder(k + 1),
            "target-discriminator": self.encoder(k + 1),
            "classifier": MLP((n, k)),
        }
        return {name: {name: network} for name, network in found.items()}

    def player_loss(self, i: int, seen: Translated) -> Tensor:
        """L_E, L_G, L_Ds, L_Dt, L_C."""
        if i == 4:
            return seen.classification
        if not self.weight:
            return self.classification * seen.classification if i == 0 else 0 * seen.profile[i].sum(-1)
        if i in (2, 3):
            return seen.discriminator_loss(target=i == 3)
        return seen.translation if i == 1 else self.classification * seen.classification + self.weight * seen.translation

    def predictions(self, seen: Translated, x: Tensor) -> Tensor:
        """C(E(x))."""
        return seen("classifier", seen.encoded(x))

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """Accuracies, what is believed, and the agreement of translations."""
        found = super().measures(profile, seeds, buffers)
        with torch.no_grad():
            held = self.held_out(seeds)
            seen = Translated(self, profile, held)
            if self.images:
                classes = fixed_classifier("mnist", seeds.device)(seen.to_source.mean(-3)).argmax(-1)
                agree = classes == held.hidden
            else:
                pairs = ((self.rotated(seen.to_target, back=True), held.labels), (seen.to_source, held.hidden))
                agree = torch.cat([moon_of(points) == labels for points, labels in pairs], -1)
            given, believed = seen.pseudo
            right = ((given == held.hidden) * believed).sum(-1) / believed.sum(-1)  # 0/0 is NaN
            shares = {"believed": believed.mean(-1), "believed_accuracy": right, "cross_domain_agreement": agree.to(right).mean(-1)}
            finite = torch.stack([x.isfinite().all(-1) for x in profile]).all(0)
            return found | {name: torch.where(finite, share, torch.nan) for name, share in shares.items()}

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """Of images: digits of each domain, each row above its translations."""
        if not self.images:
            return {}
        with torch.no_grad():
            held = self.held_out(seeds)
            seen = Translated(self, profile, held)
            rows = [held.source.to(seen.to_target), seen.to_target, held.target.to(seen.to_source), seen.to_source]
            return {"translations": torch.stack([x[:, :_SHOWN] for x in rows], 1)}

    def clouds(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, dict[str, Tensor]]:
        """Of moons: the source by its classes, the target by those that it is given; and both with what is translated."""
        if self.images:
            return {}
        with torch.no_grad():
            held = self.held_out(seeds)
            seen = Translated(self, profile, held)
            own = {"x_s": held.source, "G(E(x_t), s)": seen.to_source, "x_t": held.target, "G(E(x_s), t)": seen.to_target}
            return super().clouds(profile, seeds, buffers) | {"translations": own}
