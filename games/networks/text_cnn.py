"""A convolutional discriminator of sequences (Kim 2014, with the highway layer of SeqGAN), for all runs at once."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from saddlebench.games.networks.layers import Linear
from saddlebench.games.networks.network import Layer, Network, Scope
from saddlebench.games.networks.recurrent import TokenTable


@dataclass(frozen=True)
class TextCNN(Network):
    """Embeddings → for each window of k tokens, ``filters`` of ReLU(W·window + b), their maximum over places → highway → logit.

    Highway: τ∘ReLU(W_H x) + (1 − τ)∘x, τ = σ(W_T x) (Srivastava et al. 2015). Without the dropout that SeqGAN has before the last
    layer: losses are pure functions here, and each of its completions would need a mask.

    Attributes:
        tokens: of the vocabulary.
        length: of a sequence.
        embedding: size of a token's vector.
        windows: sizes of the windows; those longer than the sequence are left out.
        filters: of each window.
    """

    tokens: int
    length: int
    embedding: int
    windows: tuple[int, ...]
    filters: int

    @cached_property
    def _convs(self) -> tuple[tuple[int, Linear], ...]:
        """Window and filters; a filter is a linear layer of the window's embeddings in a row."""
        used = tuple(k for k in self.windows if k <= self.length) or (self.length,)
        return tuple((k, Linear(f"window{k}", k * self.embedding, self.filters)) for k in used)

    @cached_property
    def _head(self) -> tuple[Linear, Linear, Linear]:
        features = self.filters * len(self._convs)
        return Linear("highway", features, features), Linear("gate", features, features), Linear("logit", features, 1)

    @cached_property
    def _table(self) -> TokenTable:
        return TokenTable("embedding", self.tokens, self.embedding)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        return self._table, *(conv for _, conv in self._convs), *self._head

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """int64 sequences ``(runs, batch, T)`` → logits ``(runs, batch)``."""
        embedded, found = self._table(x, scope), []  # (runs, batch, T, e)
        for k, conv in self._convs:
            windows = embedded.unfold(2, k, 1).mT.flatten(-2)  # (runs, batch, T − k + 1, k·e)
            seen = conv(windows.flatten(1, 2), scope).unflatten(1, windows.shape[1:3])
            found.append(seen.relu().amax(2))
        features = torch.cat(found, -1)
        highway, gate, last = self._head
        through = gate(features, scope).sigmoid()
        features = through * highway(features, scope).relu() + (1 - through) * features
        return last(features, scope).squeeze(-1)
