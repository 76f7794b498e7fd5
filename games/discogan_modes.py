"""DiscoGAN in the plane: relations between two mixtures of Gaussians found without pairs."""

import math
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.networks.mlp import MLP, Activation
from saddlebench.games.networks.network import Scheme
from saddlebench.games.translation import PLAYERS, Domains, Translation
from saddlebench.parameters import Count, NonNegativeScalar, PositiveScalar

_EVALUATED = 2500  # points of each domain, as many as the mixtures' measures take
_HIGH_QUALITY = 3.0  # standard deviations from the nearest mode, likewise


@dataclass(frozen=True)
class DiscoGANModes(Translation):
    """L_G = E sp(−D_Y(G(x))) + E(F(G(x)) − x)² + E(G(F(y)) − y)², likewise L_F; D_Y and D_X by E sp(−D(real)) + E sp(D(fake)).

    The toy of Kim et al. 2017, section 3.1: X is a mixture of 5 Gaussians in the plane and Y one of 10, both of equal weights, all
    four players perceptrons, G and F with three linear layers and the discriminators with five. The paper gives no numbers for the
    mixtures: here the means lie evenly on circles about 0 and 10 modes are where 5 are, and between them. A pair of generators is a
    bijection if each mode of X goes to two modes of Y of its own, and comes back. ``cycle_weight = 0`` is the control, the GAN
    without reconstruction, whose maps the paper sees collapse.

    Measures of 2,500 points of each domain: ``modes_covered_target`` of 10 and ``modes_covered_source`` of 5, modes that are the
    nearest one of a translated point within 3σ; ``round_trip_accuracy``, the share of x whose F(G(x)) is nearest to the mode that x
    came from (and ``back_round_trip_accuracy`` of G(F(y))); ``one_to_one_accuracy``, the share of x that come from the commonest
    source mode of the target mode where G(x) is (1/5 where all go to one mode, 1 where no two source modes share one).

    Raises:
        InputError: no such loss.
    """

    name = "discogan-modes"
    paper = "Kim et al. 2017"
    default_steps = 5000

    loss: Literal["non-saturating", "lsgan", "hinge"] = "non-saturating"  # adversarial loss
    cycle_weight: NonNegativeScalar = 1.0  # of the reconstructions
    cycle_distance: Literal["l1", "l2"] = "l2"  # E|u − v|, or E(u − v)²
    batch: Count = 200  # points of each domain a draw
    source_modes: Count = 5  # of X
    target_modes: Count = 10  # of Y
    radius: PositiveScalar = 1.0  # of the circles of means
    std: PositiveScalar = 0.1  # σ, of each Gaussian
    width: Count = 64  # units of a hidden layer
    generator_depth: Count = 2  # hidden layers
    discriminator_depth: Count = 4  # hidden layers
    activation: Activation = "relu"  # of the hidden layers
    initialisation: Scheme = "xavier"  # of the weights

    @classmethod
    def small(cls) -> Self:
        """One hidden layer of 8, batches of 10."""
        return cls(width=8, generator_depth=1, discriminator_depth=1, batch=10, activation="tanh")

    def network_of(self, player: str) -> MLP:
        """Perceptrons on the plane."""
        if player in PLAYERS[:2]:
            return MLP((2, *(self.width,) * self.generator_depth, 2), self.activation)
        return MLP((2, *(self.width,) * self.discriminator_depth, 1), self.activation)

    def means(self, domain: Literal["source", "target"], device: torch.device | None = None) -> Tensor:
        """The modes' means ``(modes, 2)``, counter-clockwise from (R, 0), float32."""
        modes = self.source_modes if domain == "source" else self.target_modes
        angle = torch.arange(modes, dtype=torch.float64, device=device) * (2 * math.pi / modes)
        return (self.radius * torch.stack((angle.cos(), angle.sin()), -1)).float()

    def _drawn(self, seeds: Tensor, domain: Literal["source", "target"], n: int, step: int, draw: int) -> tuple[Tensor, Tensor]:
        """Points ``(runs, n, 2)`` and the modes ``(n,)`` that they belong to, as many of each."""
        means = self.means(domain, seeds.device)
        mode = (torch.arange(n, device=seeds.device) + n * (step + draw)) % len(means)
        noise = normal(seeds, domain, 2 * n, step, draw, torch.float32).view(-1, n, 2)
        return means[mode] + self.std * noise, mode

    def sample(self, seeds: Tensor, step: int, draw: int) -> Domains:
        """Points of both domains."""
        x, y = (self._drawn(seeds, domain, self.batch, step, draw)[0] for domain in ("source", "target"))
        return Domains(x, y)

    def _evaluated(self, profile: Profile, seeds: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """x, y, G(x), F(y), F(G(x)), G(F(y)) of points that no step draws, and the modes of x and y."""
        (x, of_x), (y, of_y) = (self._drawn(seeds, d, _EVALUATED, 0, 2**20) for d in ("source", "target"))
        seen = self.translated(profile, Domains(x, y))
        names = ("x", "y", "fake_y", "fake_x", "returned_x", "returned_y")
        with torch.no_grad():
            return {name: getattr(seen, name) for name in names}, of_x, of_y

    def samples(self, profile: Profile, seeds: Tensor, n: int, buffers: Buffers = ()) -> Tensor:
        """G(x) of n points."""
        x, _ = self._drawn(seeds, "source", n, 0, 2**20)
        with torch.no_grad():
            return self.translated(profile).forward(x)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """As the class defines them."""
        of, of_x, of_y = self._evaluated(profile, seeds)
        source, target = (self.means(domain, seeds.device).to(of["x"].dtype) for domain in ("source", "target"))
        reached, near = _nearest(of["fake_y"], target)
        back, back_near = _nearest(of["fake_x"], source)
        joint = torch.stack([(reached == k).to(near) @ torch.nn.functional.one_hot(of_x).to(near) for k in range(len(target))], 1)
        return {
            "modes_covered_target": _covered(reached, near <= _HIGH_QUALITY * self.std, len(target)).to(near),
            "modes_covered_source": _covered(back, back_near <= _HIGH_QUALITY * self.std, len(source)).to(near),
            "round_trip_accuracy": (_nearest(of["returned_x"], source)[0] == of_x).to(near).mean(-1),
            "back_round_trip_accuracy": (_nearest(of["returned_y"], target)[0] == of_y).to(near).mean(-1),
            "one_to_one_accuracy": joint.amax(-1).sum(-1) / _EVALUATED,
        }

    def clouds(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, dict[str, Tensor]]:
        """G(x) over Y, a colour a source mode; F(y) over X, a colour a target mode."""
        of, of_x, of_y = self._evaluated(profile, seeds)
        forward = {f"from mode {k + 1}": of["fake_y"][:, of_x == k] for k in range(self.source_modes)}
        backward = {f"from mode {k + 1}": of["fake_x"][:, of_y == k] for k in range(self.target_modes)}
        return {"translations": {"Y": of["y"], **forward}, "back-translations": {"X": of["x"], **backward}}


def _nearest(points: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest mode of each point ``(runs, n)``, −1 where it is not finite, and its distance."""
    distance, mode = (points.unsqueeze(-2) - means).square().sum(-1).sqrt().min(-1)
    return torch.where(distance.isfinite(), mode, -1), distance


def _covered(mode: Tensor, good: Tensor, modes: int) -> Tensor:
    """How many modes are the nearest one of a good point, ``(runs,)``."""
    member = mode.unsqueeze(-1) == torch.arange(modes, device=mode.device)
    return (member & good.unsqueeze(-1)).any(1).sum(-1)
