"""Batch norm that is told the class and a part of the latent: x ↦ (1 + W_g c)·BN(x) + W_b c with c = [E(y), z_k] (BigGAN)."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.networks.layers import BatchNorm, ConditionalBatchNorm, Embedding, Linear, spread, standardised
from saddlebench.games.networks.network import Layer, Scope


@dataclass(frozen=True)
class Told:
    """What a generator's batch norms are told, and how.

    Attributes:
        classes: 0: none.
        shared: size of the embedding that all norms share; 0: each norm has its own gains and biases a class.
        latent: numbers of z that a norm is told.
        spectral: of the maps W_g and W_b; the embedding itself never is.
        epsilon: under the root.
    """

    classes: int
    shared: int
    latent: int
    spectral: bool
    epsilon: float

    def __post_init__(self) -> None:
        if self.classes and not self.shared and self.latent:
            raise InputError("a hierarchical latent goes into batch norm together with a shared embedding: give shared > 0")

    @property
    def size(self) -> int:
        """Of the vector that all its parts make."""
        return (self.shared if self.classes else 0) + self.latent

    @property
    def embedding(self) -> Embedding | None:
        """E, shared by all norms."""
        return Embedding("shared", self.classes, self.shared) if self.classes and self.shared else None


@dataclass(frozen=True)
class ToldNorm:
    """Batch norm with gain 1 + W_g c and bias W_b c of a vector c ``(runs, batch, size)``; without one by class, or plain."""

    name: str
    channels: int
    told: Told

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The two maps, or the one layer that there is in their place."""
        told = self.told
        if told.size:
            names = (f"{self.name}.gain", f"{self.name}.bias")
            return tuple(Linear(n, told.size, self.channels, bias=False, spectral=told.spectral) for n in names)
        if told.classes:
            return (ConditionalBatchNorm(self.name, self.channels, told.classes, told.epsilon),)
        return (BatchNorm(self.name, self.channels, told.epsilon),)

    def __call__(self, x: Tensor, vector: Tensor | None, scope: Scope) -> Tensor:
        """Of the input's shape."""
        if vector is None:
            return self.layers[0](x, scope)
        gain, bias = (spread(layer(vector, scope)) for layer in self.layers)
        return standardised(self.name, x, scope, self.told.epsilon) * (1 + gain) + bias
