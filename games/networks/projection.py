"""The projection discriminator's last layer: D(x, y) = w·h + b + ⟨E(y), h⟩ of features h (Miyato & Koyama 2018)."""

from abc import abstractmethod
from functools import cached_property

from torch import Tensor

from saddlebench.games.networks.layers import Embedding, Linear
from saddlebench.games.networks.network import Critic, Scope


class Projecting(Critic):
    """A critic with that last layer over its features.

    Attributes:
        classes: 0: no ⟨E(y), h⟩.
        spectral: are the layer's weights spectrally normalised?
    """

    classes: int
    spectral: bool

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Features."""

    @cached_property
    def head(self) -> tuple[Linear] | tuple[Linear, Embedding]:
        """What makes a logit of features."""
        last = Linear("logit", self.outputs, 1, spectral=self.spectral)
        return (last, Embedding("classes", self.classes, self.outputs, self.spectral)) if self.classes else (last,)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Images to logits ``(runs, batch)``."""
        h = self.features(x, scope)
        last, *embeddings = self.head
        return last(h, scope).squeeze(-1) + sum((embedding(h, scope) * h).sum(-1) for embedding in embeddings)
