"""Adversarially learned inference (ALI), or the bidirectional GAN: an encoder learnt beside the generator."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.data import require_images
from saddlebench.games.draws import integers, normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.image_data import shades, training_set
from saddlebench.games.losses import adversarial_loss
from saddlebench.games.network_game import AnyNetwork, NetworkGame, Networks
from saddlebench.games.networks.mlp import MLP, Activation
from saddlebench.games.networks.network import Scheme
from saddlebench.games.shuffling import batch_of_epoch
from saddlebench.parameters import Count

_ITEMS, _SIDE = 60000, 28  # MNIST's training images and their pixels
_EVALUATED = 1000  # samples behind each measure
_KNOWN = 2000  # labelled codes among which the nearest is looked for
_SHOWN = 10  # images in a row of pictures


class Points(NamedTuple):
    """A sample.

    Attributes:
        x: data, ``(runs, batch, size)``.
        z: latents, ``(runs, batch, latent)``.
        noise: what a stochastic encoder draws with, of the shape of z.
    """

    x: Tensor
    z: Tensor
    noise: Tensor


class Joint(Networks):
    """The three networks on both kinds of pairs."""

    def generated(self, z: Tensor) -> Tensor:
        """G(z)."""
        return self("generator", z)

    def encoded(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """E(x); of a stochastic encoder μ(x) + σ(x)∘noise, without noise its mean."""
        out = self("encoder", x)
        if self.game.encoder == "deterministic":
            return out
        mean, log_scale = out.chunk(2, -1)
        return mean if noise is None else mean + log_scale.exp() * noise.to(out)

    def judged(self, x: Tensor, z: Tensor) -> Tensor:
        """D's logit ``(runs, batch)`` of pairs."""
        if self.game.joint:
            return self("pairs", torch.cat((x, z), -1)).squeeze(-1)
        return (self("data", x) + self("latents", z)).squeeze(-1)

    @cached_property
    def inferred(self) -> Tensor:
        """a = D(x, E(x))."""
        x = self.sample.x.to(self.profile[0].dtype)
        return self.judged(x, self.encoded(x, self.sample.noise))

    @cached_property
    def drawn(self) -> Tensor:
        """b = D(G(z), z)."""
        z = self.sample.z.to(self.profile[0].dtype)
        return self.judged(self.generated(z), z)


@dataclass(frozen=True)
class ALI(NetworkGame):
    """D tells pairs (x, E(x)) of data from pairs (G(z), z) of latents; G and E each make theirs look like the other kind.

    With a = D(x, E(x)) and b = D(G(z), z): L_D = E sp(−a) + E sp(b), L_G = E sp(−b), L_E = E sp(a) (non-saturating), or L_G =
    −E sp(b), L_E = −E sp(−a) (minimax). At the optimum both joint distributions agree, so that E inverts G (Dumoulin et al. 2017;
    Donahue et al. 2017, whose encoder is deterministic). ``joint = False`` is the control: D(x, z) = D_x(x) + D_z(z) sees whether
    each half looks right but not whether they belong together.

    ``mixture``: points of eight Gaussians on a circle of radius 2, standard deviation .1, labelled by Gaussian. ``mnist``: digits
    as rows of 784 pixels in [−1, 1], by perceptrons as in BiGAN's permutation-invariant MNIST.

    Measures on 1,000 unseen samples: ``reconstruction_error``, the mean of (x − G(E(x)))² over entries; ``nearest_accuracy``, how
    often the nearest of 2,000 labelled codes E(x) has the label; ``latent_ks``, the Kolmogorov–Smirnov distance of E(x)'s entries
    from N(0, 1), mean over entries (above .043 is significant at 5 % for one). Codes are means but in the last.

    Raises:
        InputError: a batch larger than the data set.
    """

    name = "ali"
    paper = "Dumoulin et al. 2017; Donahue et al. 2017"
    default_steps = 5000
    seen = Joint

    data: Literal["mixture", "mnist"] = "mixture"  # what x is
    latent: Count = 2  # size of z, standard normal
    width: Count = 64  # units of a hidden layer
    depth: Count = 2  # hidden layers
    batch: Count = 128  # samples, and as many latents
    encoder: Literal["stochastic", "deterministic"] = "stochastic"  # a Gaussian of x, or a function of it
    joint: bool = True  # does D see both halves of a pair at once?
    loss: Literal["non-saturating", "minimax"] = "non-saturating"  # of G and E
    activation: Activation = "leaky-relu"  # of the hidden layers
    initialisation: Scheme = "xavier"  # of the weights

    def __post_init__(self) -> None:
        if self.images and self.batch > _ITEMS:
            raise InputError(f"ali: a batch of {self.batch} is larger than the data set of {_ITEMS}")

    @classmethod
    def small(cls) -> Self:
        """One hidden layer of 4, batches of 6."""
        return cls(width=4, depth=1, batch=6)

    @property
    def images(self) -> bool:
        """Are the data images?"""
        return self.data == "mnist"

    def ready(self) -> None:
        """MNIST must be in the data cache, where it is asked for."""
        if self.images:
            require_images("mnist")

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, AnyNetwork]]:
        """G, E, and D of pairs or of each half."""
        size, hidden = _SIDE**2 if self.images else 2, (self.width,) * self.depth
        codes = self.latent * (2 if self.encoder == "stochastic" else 1)

        def net(inputs: int, outputs: int, last: Literal["identity", "tanh"] = "identity") -> MLP:
            return MLP((inputs, *hidden, outputs), self.activation, last)

        judges = {"pairs": net(size + self.latent, 1)} if self.joint else {"data": net(size, 1), "latents": net(self.latent, 1)}
        return {
            "generator": {"generator": net(self.latent, size, "tanh" if self.images else "identity")},
            "encoder": {"encoder": net(size, codes)},
            "discriminator": judges,
        }

    def sample(self, seeds: Tensor, step: int, draw: int) -> Points:
        """Data, latents, noise."""
        z = normal(seeds, "latents", 2 * self.batch * self.latent, step, draw, torch.float32).view(-1, 2, self.batch, self.latent)
        if not self.images:
            return Points(self._mixture(seeds, "mixture", self.batch, step, draw)[0], z[:, 0], z[:, 1])
        index = batch_of_epoch(seeds, step, draw, self.batch, _ITEMS)
        return Points(shades(training_set("mnist", _SIDE, 1, seeds.device).at(index)[0]).flatten(2), z[:, 0], z[:, 1])

    def _mixture(self, seeds: Tensor, what: str, n: int, step: int = 0, draw: int = 0) -> tuple[Tensor, Tensor]:
        """Points and the number of their Gaussian."""
        labels = integers(seeds, f"{what} modes", n, 8, step, draw)
        angle = labels * (math.pi / 4)
        means = 2 * torch.stack((angle.cos(), angle.sin()), -1)
        return (means + 0.1 * normal(seeds, what, 2 * n, step, draw).view(-1, n, 2)).float(), labels

    def held_out(self, seeds: Tensor) -> tuple[Tensor, Tensor]:
        """Unseen x ``(runs, n, size)`` and labels: those that are evaluated, then those whose labels are known."""
        n = _EVALUATED + _KNOWN
        if not self.images:
            return self._mixture(seeds, "evaluated mixture", n)
        pixels, labels = training_set("mnist", _SIDE, 1, seeds.device, "test").first(n)
        return shades(pixels).flatten(1).expand(len(seeds), -1, -1), labels.expand(len(seeds), -1)

    def player_loss(self, i: int, seen: Joint) -> Tensor:
        """L_G, L_E, L_D."""
        loss = adversarial_loss(self.loss)
        if i == 2:
            return loss.discriminator(seen.inferred, seen.drawn)
        return loss.generator(-seen.inferred if i else seen.drawn)  # sp is of the logit that the pair is of the other kind

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """As the class defines them."""
        with torch.no_grad():
            seen, (x, labels) = Joint(self, profile), self.held_out(seeds)
            x = x.to(profile[0].dtype)
            codes, test = seen.encoded(x), x[:, :_EVALUATED]
            noise = normal(seeds, "evaluated noise", _EVALUATED * self.latent).view(len(seeds), _EVALUATED, self.latent)
            nearest = torch.cdist(codes[:, :_EVALUATED], codes[:, _EVALUATED:]).argmin(-1)
            right = labels[:, _EVALUATED:].gather(1, nearest) == labels[:, :_EVALUATED]
            error = (test - seen.generated(codes[:, :_EVALUATED])).square().mean((1, 2))
            return {
                "reconstruction_error": error,
                "nearest_accuracy": torch.where(error.isfinite(), right.to(error.dtype).mean(-1), torch.nan),
                "latent_ks": normality(seen.encoded(test, noise)).mean(-1),
            }

    def samples(self, profile: Profile, seeds: Tensor, n: int, buffers: Buffers = ()) -> Tensor:
        """G of latents fixed by seed: points, or images ``(runs, n, 28, 28)``."""
        z = normal(seeds, "evaluation latents", n * self.latent).view(len(seeds), n, self.latent)
        x = Joint(self, profile).generated(z)
        return x.unflatten(-1, (_SIDE, _SIDE)) if self.images else x

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """Of MNIST: rows of unseen digits, each above its reconstructions."""
        if not self.images:
            return {}
        with torch.no_grad():
            seen = Joint(self, profile)
            x = self.held_out(seeds)[0][:, : 4 * _SHOWN].to(profile[0].dtype)
            both = torch.stack((x, seen.generated(seen.encoded(x))), 2)  # (runs, n, 2, size)
        return {"reconstructions": both.unflatten(1, (4, _SHOWN)).transpose(2, 3).flatten(1, 2).unflatten(-1, (_SIDE, _SIDE))}

    def clouds(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, dict[str, Tensor]]:
        """Of the mixture: data and their reconstructions, and their codes where these lie in a plane."""
        if self.images:
            return {}
        with torch.no_grad():
            seen, x = Joint(self, profile), self.held_out(seeds)[0][:, :_EVALUATED].to(profile[0].dtype)
            codes = seen.encoded(x)
            found = {"reconstructions": {"x": x, "G(E(x))": seen.generated(codes)}}
            return found | ({"codes": {"E(x)": codes}} if self.latent == 2 else {})


def normality(x: Tensor) -> Tensor:
    """The Kolmogorov–Smirnov distance sup |F_n − Φ| of each entry's sample from N(0, 1), ``(runs, n, size)`` → ``(runs, size)``."""
    n, below = x.shape[1], torch.special.ndtr(x.sort(1).values)
    ranks = torch.arange(1, n + 1, dtype=x.dtype, device=x.device).unsqueeze(-1) / n
    return torch.maximum(ranks - below, below - ranks + 1 / n).amax(1)
