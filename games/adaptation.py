"""What the games of domain adaptation share: a labelled source, a target without labels, accuracy on both."""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from saddlebench.errors import InputError
from saddlebench.games.data import require_images
from saddlebench.games.data.mnist_m import CLASSES, DATA, SIDE, blended, digits_of
from saddlebench.games.draws import integers, normal, uniform
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.network_game import AnyNetwork, NetworkGame
from saddlebench.games.networks.conv_encoder import ConvEncoder
from saddlebench.games.networks.mlp import MLP
from saddlebench.games.shuffling import batch_of_epoch
from saddlebench.parameters import Count, NonNegativeScalar, Scalar

_ITEMS = 60000  # digits of MNIST to train on
_EVALUATED = 1000  # samples of each domain behind each measure


class Domains(NamedTuple):
    """A sample, or what is evaluated.

    Attributes:
        source: ``(runs, batch, …)``.
        labels: int64 ``(runs, batch)``, of the source.
        target: ``(runs, batch, …)``.
        hidden: the target's labels, which only a control and the measures look at.
        step: the step's number.
    """

    source: Tensor
    labels: Tensor
    target: Tensor
    hidden: Tensor
    step: int = 0


@dataclass(frozen=True)
class Adaptation(NetworkGame):
    """A classifier for a target domain whose labels it never sees, from a source domain that it sees with labels.

    ``moons``: two half circles, (cos t, sin t) and (1 − cos t, ½ − sin t) with t uniform on [0, π] and noise of standard deviation
    .05, centred and doubled; the target is the same law rotated by ``angle`` degrees. Every batch is a new draw.
    ``mnist-m``: the digits of MNIST in three channels, and of MNIST blended with photographs (`saddlebench.games.data.mnist_m`).

    Measures on 1,000 unseen samples of each domain: ``target_accuracy`` and ``source_accuracy``.

    Raises:
        InputError: a batch larger than the data.
    """

    data: Literal["moons", "mnist-m"] = "moons"  # source and target
    angle: Scalar = 35.0  # degrees between the moons of the domains
    width: Count = 32  # units of a hidden layer, or channels of the first convolution
    features: Count = 32  # size of what is made of a sample
    batch: Count = 64  # samples of each domain
    weight: NonNegativeScalar = 1.0  # of all that concerns the target; 0: the source alone is learnt, the control

    def __post_init__(self) -> None:
        if self.images and self.batch > _ITEMS:
            raise InputError(f"{self.name}: a batch of {self.batch} is larger than the data set of {_ITEMS}")

    @property
    def images(self) -> bool:
        """Are samples images?"""
        return self.data != "moons"

    @property
    def classes(self) -> int:
        """Two moons or ten digits."""
        return CLASSES if self.images else 2

    def ready(self) -> None:
        """MNIST and CIFAR-10 must be in the data cache, where they are needed."""
        for data in DATA if self.images else ():
            require_images(data)

    def encoder(self, outputs: int) -> AnyNetwork:
        """A network from samples to vectors."""
        return ConvEncoder(3, SIDE, self.width, outputs) if self.images else MLP((2, self.width, outputs), "tanh")

    def sample(self, seeds: Tensor, step: int, draw: int) -> Domains:
        """A batch of each domain, drawn apart."""
        if not self.images:
            return self._moons(seeds, "moons", self.batch, step, draw)
        index = batch_of_epoch(seeds, step, draw, self.batch, _ITEMS)
        other = batch_of_epoch(seeds + 2**31, step, draw, self.batch, _ITEMS)  # another order of the same digits
        return Domains(*digits_of("train", index), *blended("train", other), step)

    def held_out(self, seeds: Tensor) -> Domains:
        """What no step sees."""
        if not self.images:
            return self._moons(seeds, "evaluated moons", _EVALUATED, 0, 0)
        index = torch.arange(2 * _EVALUATED, device=seeds.device).expand(len(seeds), -1)
        return Domains(*digits_of("test", index[:, :_EVALUATED]), *blended("test", index[:, _EVALUATED:]))

    def _moons(self, seeds: Tensor, what: str, n: int, step: int, draw: int) -> Domains:
        labels = integers(seeds, f"{what} labels", 2 * n, 2, step, draw)
        angles = uniform(seeds, f"{what} angles", 2 * n, step, draw) * math.pi
        noise = 0.05 * normal(seeds, f"{what} noise", 4 * n, step, draw).view(-1, 2 * n, 2)
        source, target = (2 * (moon(angles, labels) + noise)).split(n, 1)
        return Domains(source.float(), labels[:, :n], self.rotated(target).float(), labels[:, n:], step)

    def rotated(self, points: Tensor, back: bool = False) -> Tensor:
        """Points of the source's law, turned into the target's; or back."""
        (x, y), angle = points.unbind(-1), math.radians(-self.angle if back else self.angle)
        return torch.stack((math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y), -1)

    def predictions(self, seen: Any, x: Tensor) -> Tensor:
        """Class logits ``(runs, batch, classes)``."""
        raise NotImplementedError

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``target_accuracy`` and ``source_accuracy``."""
        with torch.no_grad():
            seen, held = self.seen(self, profile, None, buffers), self.held_out(seeds)
            pairs = {"target": (held.target, held.hidden), "source": (held.source, held.labels)}
            return {f"{name}_accuracy": accuracy(self.predictions(seen, x), labels) for name, (x, labels) in pairs.items()}

    def clouds(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, dict[str, Tensor]]:
        """Of moons: the source by its classes, the target by the classes that it is given."""
        if self.images:
            return {}
        with torch.no_grad():
            held = self.held_out(seeds)
            given = self.predictions(self.seen(self, profile, None, buffers), held.target).argmax(-1)
        # A run has its own number of each class: the other points are put out of sight.
        domains = {"source": (held.source, held.labels), "target taken for": (held.target, given)}
        return {
            "domains": {
                f"{name} {k}": torch.where((labels == k).unsqueeze(-1), points, torch.nan)
                for name, (points, labels) in domains.items()
                for k in range(2)
            }
        }


def moon(angles: Tensor, labels: Tensor) -> Tensor:
    """Points ``(…, 2)`` of the two half circles, about their common centre."""
    outer = torch.stack((angles.cos() - 0.5, angles.sin() - 0.25), -1)
    return torch.where((labels == 1).unsqueeze(-1), -outer, outer)


def moon_of(points: Tensor) -> Tensor:
    """Which half circle of the source is nearer to each of points ``(…, 2)``, 0 or 1."""
    angles = torch.linspace(0, math.pi, 100, dtype=points.dtype, device=points.device)
    curves = (2 * moon(angles, torch.full((100,), k, device=points.device)) for k in range(2))
    first, second = (torch.cdist(points, curve.expand(len(points), -1, -1)).amin(-1) for curve in curves)
    return (second < first).long()


def class_loss(logits: Tensor, labels: Tensor, share: Tensor | None = None) -> Tensor:
    """Mean cross-entropy ``(runs,)`` of logits ``(runs, batch, classes)``; where given, over those with ``share`` 1, of 0 and 1."""
    each = cross_entropy(logits.movedim(-1, 1), labels, reduction="none")
    return each.mean(-1) if share is None else (each * share).sum(-1) / share.sum(-1).clamp_min(1)  # 0 of none


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """The share ``(runs,)`` of the labels with the largest logit; NaN where logits are not finite."""
    right = (logits.argmax(-1) == labels).to(logits.dtype).mean(-1)
    return torch.where(logits.isfinite().flatten(1).all(-1), right, torch.nan)


def proxy_distance(source: Tensor, target: Tensor) -> Tensor:
    """The proxy A-distance 2(1 − 2ε) ``(runs,)`` of features ``(runs, n, size)``, ε the error of a linear classifier of domains.

    The classifier is fitted by least squares with a slight ridge on the first halves and judged on the second ones (Ben-David et
    al. 2010; theirs is a support vector machine). 0 where the domains cannot be told apart, 2 where they always can.
    """
    with torch.no_grad():
        x = torch.cat((source, target), 1).double()
        sign = torch.cat((torch.ones_like(source[..., 0]), -torch.ones_like(target[..., 0])), 1).double()
        fit = torch.arange(x.shape[1], device=x.device) % source.shape[1] < source.shape[1] // 2
        mean, spread = x[:, fit].mean(1, keepdim=True), x[:, fit].std(1, keepdim=True).clamp_min(1e-9)
        x = torch.cat(((x - mean) / spread, torch.ones_like(x[..., :1])), -1)
        a, b = x[:, fit], sign[:, fit].unsqueeze(-1)
        gram = a.mT @ a + 1e-3 * a.shape[1] * torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)
        weights, _ = torch.linalg.solve_ex(gram, a.mT @ b)
        side = (x[:, ~fit] @ weights).squeeze(-1) * sign[:, ~fit]
        error = (side <= 0).double().mean(-1)
        return torch.where(side.isfinite().all(-1), 2 * (1 - 2 * error), torch.nan).to(source.dtype)
