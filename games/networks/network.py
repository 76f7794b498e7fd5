"""Networks made of layers, for all runs at once, from one flat tensor of parameters.

Inside a network the runs are folded into the channels: images are ``(batch, runs·channels, height, width)``, so that a convolution
is a grouped one with a group a run, and batch norm, activations and resampling need not know of runs at all. With one run nothing
is copied. Feature vectors are ``(runs, batch, features)``.

Nothing here is mutated: what batch norm and spectral norm keep between steps in other libraries is either taken from the batch
(moments) or handed in (power-iteration vectors), so two evaluations at one profile agree and every derivative exists.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from saddlebench.games.draws import normal, uniform

Start = Literal["weight", "direction", "zeros", "ones"]
Scheme = Literal["normal", "xavier", "pytorch", "orthogonal"]
_TINY = 1e-12  # keeps the power iteration of a zero matrix finite
_WARM_UP = 15  # power iterations from a random vector before the first step, as in torch.nn.utils


@dataclass(frozen=True)
class Weight:
    """One parameter of a layer.

    Attributes:
        shape: of one run's; outputs first.
        start: ``"weight"``: by the network's scheme; ``"zeros"`` or ``"ones"``; ``"direction"``: N(0, 0.1²) under every scheme, as
            only the directions count of what is normalised, and how fast they turn, which the length decides.
    """

    shape: tuple[int, ...]
    start: Start = "weight"

    @property
    def size(self) -> int:
        """Numbers a run."""
        return math.prod(self.shape)

    @property
    def fans(self) -> tuple[int, int]:
        """Inputs and outputs of one unit: fan-in, fan-out."""
        receptive = math.prod(self.shape[2:])
        outputs, *inputs = self.shape
        return math.prod(inputs), outputs * receptive


class Moments(ABC):
    """Where a batch norm takes its mean and variance from, if not from its batch."""

    @abstractmethod
    def of(self, layer: str, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Mean and variance ``(runs·channels,)`` for the input x of a layer; None: those of the batch."""


@dataclass(frozen=True)
class Scope:
    """What one evaluation of a network has: its tensors by name.

    Attributes:
        weights: name → ``(runs, *shape)``.
        vectors: name → ``(runs, size)``, the power-iteration vectors of spectral norm.
        runs: how many.
        labels: ``(runs, batch)`` int64 classes, or None.
        moments: None: those of the batch.
        extra: what a family of networks hands to its layers besides (BigGAN's class embedding and chunks of z).
    """

    weights: Mapping[str, Tensor]
    vectors: Mapping[str, Tensor]
    runs: int
    labels: Tensor | None = None
    moments: Moments | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class Layer(ABC):
    """A layer: names and shapes of its parameters, and what it does to an input."""

    name: str
    spectral = False  # is the weight divided by its largest singular value?

    @abstractmethod
    def weights(self) -> dict[str, Weight]:
        """Its parameters by name; names begin with the layer's."""

    @abstractmethod
    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """The output."""

    def weight(self, scope: Scope) -> Tensor:
        """``(runs, *shape)``, spectrally normalised where the layer is: W/σ with σ = uᵀWv and u, v held fixed.

        The gradient flows through σ (Miyato et al. 2018).
        """
        weight = scope.weights[f"{self.name}.weight"]
        if not self.spectral:
            return weight
        u, v = scope.vectors[f"{self.name}.u"], scope.vectors[f"{self.name}.v"]
        sigma = (u.unsqueeze(1) @ weight.flatten(2) @ v.unsqueeze(2)).flatten()
        return weight / sigma.view(-1, *(1,) * (weight.dim() - 1))


class Network(ABC):
    """A network: layers, and how they are wired."""

    @property
    @abstractmethod
    def layers(self) -> tuple[Layer, ...]:
        """All layers; the order is that of their parameters in the flat tensor."""

    @abstractmethod
    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """The output for an input."""

    @cached_property
    def weights(self) -> dict[str, Weight]:
        """Every parameter by name."""
        found: dict[str, Weight] = {}
        for layer in self.layers:
            own = layer.weights()
            assert not found.keys() & own.keys(), f"two layers are called {layer.name}"
            found |= own
        return found

    @cached_property
    def vectors(self) -> dict[str, int]:
        """The power-iteration vectors u and v of every spectrally normalised layer: name → size."""
        found: dict[str, int] = {}
        for layer in self.layers:
            if layer.spectral:
                rows, *rest = self.weights[f"{layer.name}.weight"].shape
                found |= {f"{layer.name}.u": rows, f"{layer.name}.v": math.prod(rest)}
        return found

    @cached_property
    def size(self) -> int:
        """Parameters of one run."""
        return sum(w.size for w in self.weights.values())

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """Every parameter by name, ``(runs, *shape)``, as a view of the flat ones ``(runs, size)``."""
        parts = flat.split([w.size for w in self.weights.values()], -1)
        return {name: p.unflatten(-1, w.shape) for (name, w), p in zip(self.weights.items(), parts, strict=True)}

    def scope(
        self, flat: Tensor, vectors: Tensor | None = None, labels: Tensor | None = None, moments: Moments | None = None
    ) -> Scope:
        """The tensors by name, as views of the flat ones.

        Args:
            flat: ``(runs, size)``.
            vectors: as `start_vectors` gives them; needed where a layer is spectrally normalised.
            labels: ``(runs, batch)`` of a conditional network.
            moments: for evaluation; None: those of the batch.
        """
        weights = self.named(flat)
        named: dict[str, Tensor] = {}
        if self.vectors:
            assert vectors is not None, "a spectrally normalised network needs its power-iteration vectors"
            named = dict(zip(self.vectors, vectors.split(list(self.vectors.values()), -1), strict=True))
        return Scope(weights, named, len(flat), labels, moments)

    def __call__(
        self, flat: Tensor, x: Tensor, vectors: Tensor | None = None, labels: Tensor | None = None, moments: Moments | None = None
    ) -> Tensor:
        """The output of ``(runs, batch, …)`` inputs."""
        return self.forward(x, self.scope(flat, vectors, labels, moments))

    def initial(self, seeds: Tensor, what: str, scheme: Scheme, dtype: torch.dtype = torch.float32) -> Tensor:
        """``(runs, size)`` initial parameters; ``what`` names the draw, one name a network.

        Weights by the scheme, biases 0, gains 1. ``normal``: N(0, 0.02²) (DCGAN). ``xavier``: uniform on ±√(6/(fan-in + fan-out))
        (Glorot & Bengio 2010). ``pytorch``: uniform on ±1/√fan-in, biases 0. ``orthogonal``: orthonormal rows or columns of the
        matrix (outputs, rest) (Saxe et al. 2014).
        """
        draw = uniform if scheme in ("xavier", "pytorch") else normal
        flat = draw(seeds, what, self.size, dtype=dtype)
        pieces = []
        parts = flat.split([w.size for w in self.weights.values()], -1)
        for (name, weight), part in zip(self.weights.items(), parts, strict=True):
            if weight.start == "direction":
                pieces.append(0.1 * normal(seeds, f"{what} {name}", weight.size, dtype=dtype))
            elif weight.start != "weight":
                pieces.append(torch.zeros_like(part) if weight.start == "zeros" else torch.ones_like(part))
            elif scheme == "normal":
                pieces.append(0.02 * part)
            elif scheme == "orthogonal":
                pieces.append(orthogonal(part.unflatten(-1, (weight.shape[0], -1))).flatten(1))
            else:
                inputs, outputs = weight.fans
                pieces.append((2 * part - 1) * (math.sqrt(6 / (inputs + outputs)) if scheme == "xavier" else 1 / math.sqrt(inputs)))
        return torch.cat(pieces, -1)

    def start_vectors(self, flat: Tensor, seeds: Tensor, what: str) -> Tensor:
        """``(runs, n)`` power-iteration vectors for the parameters ``flat``, after a warm-up from random ones."""
        vectors = normal(seeds, what, sum(self.vectors.values()), dtype=flat.dtype)
        for _ in range(_WARM_UP):
            vectors = self.iterate(flat, vectors)
        return vectors

    def iterate(self, flat: Tensor, vectors: Tensor) -> Tensor:
        """One power iteration a spectrally normalised layer: v = Wᵀu/‖Wᵀu‖, u = Wv/‖Wv‖."""
        if not self.vectors:
            return vectors
        with torch.no_grad():
            scope = self.scope(flat, vectors)
            fresh = []
            for layer in self.layers:
                if layer.spectral:
                    matrix = scope.weights[f"{layer.name}.weight"].flatten(2)
                    v = _unit((matrix.mT @ scope.vectors[f"{layer.name}.u"].unsqueeze(2)).squeeze(2))
                    fresh += [_unit((matrix @ v.unsqueeze(2)).squeeze(2)), v]
            return torch.cat(fresh, -1)


class Critic(Network):
    """A network from images to logits, whose last hidden features can be asked for."""

    @abstractmethod
    def features(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, channels, side, side)`` → ``(runs, batch, features)``."""


def fold(x: Tensor) -> Tensor:
    """``(runs, batch, channels, …)`` → ``(batch, runs·channels, …)``; with one run a view."""
    return x.transpose(0, 1).flatten(1, 2)


def unfold(x: Tensor, runs: int) -> Tensor:
    """``(batch, runs·channels, …)`` → ``(runs, batch, channels, …)``."""
    return x.unflatten(1, (runs, -1)).transpose(0, 1)


def orthogonal(weight: Tensor) -> Tensor:
    """The orthonormal factor of normal matrices ``(runs, a, b)``; signs fixed by R's diagonal, which makes it uniformly
    distributed.
    """
    tall = weight if weight.shape[-2] >= weight.shape[-1] else weight.mT
    q, r = torch.linalg.qr(tall)
    q = q * torch.diagonal(r, dim1=-2, dim2=-1).sign().unsqueeze(-2)
    return q if tall is weight else q.mT


def _unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True).clamp_min(_TINY)
