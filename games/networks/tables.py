"""Sequences so few that a table holds every distribution and every judgement of them."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from saddlebench.games.networks.network import Layer, Network, Scope
from saddlebench.games.networks.recurrent import TokenTable


def all_sequences(tokens: int, length: int, device: torch.device | None = None) -> Tensor:
    """Every sequence, int64 ``(tokens^length, length)``, in the order of its number in base ``tokens``."""
    number = torch.arange(tokens**length, device=device).unsqueeze(-1)
    return number // tokens ** torch.arange(length - 1, -1, -1, device=device) % tokens


def numbers(sequences: Tensor, tokens: int) -> Tensor:
    """Of int64 sequences ``(…, T)``, the number of each prefix y_1 … y_t in base ``tokens``, ``(…, T)``."""
    found = [sequences[..., 0]]
    for t in range(1, sequences.shape[-1]):
        found.append(found[-1] * tokens + sequences[..., t])
    return torch.stack(found, -1)


@dataclass(frozen=True)
class TabularPolicy(Network):
    """G(y_t | y_<t) = softmax of V logits, a row for each y_<t: any distribution of sequences that gives each a chance.

    Attributes:
        tokens: V, of the vocabulary.
        length: T, of a sequence.
    """

    tokens: int
    length: int

    @cached_property
    def firsts(self) -> tuple[int, ...]:
        """The row of the first context of each length 0 … T − 1, and how many rows there are."""
        found = [0]
        for t in range(self.length):
            found.append(found[-1] + self.tokens**t)
        return tuple(found)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The table."""
        return (TokenTable("contexts", self.firsts[-1], self.tokens),)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """log G(y_t | y_<t) of int64 sequences ``(runs, batch, T)``, as ``(runs, batch, T)``."""
        first = torch.zeros_like(x[..., :1])  # the empty context
        before = torch.cat((first, numbers(x[..., :-1], self.tokens)), -1) if self.length > 1 else first
        rows = before + torch.tensor(self.firsts[:-1], device=x.device)
        return self.layers[0](rows, scope).log_softmax(-1).gather(-1, x.unsqueeze(-1)).squeeze(-1)


@dataclass(frozen=True)
class TabularCritic(Network):
    """D(Y): a logit a sequence.

    Attributes:
        tokens: V, of the vocabulary.
        length: T, of a sequence.
    """

    tokens: int
    length: int

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The table."""
        return (TokenTable("sequences", self.tokens**self.length, 1),)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """int64 sequences ``(runs, batch, T)`` → logits ``(runs, batch)``."""
        return self.layers[0](numbers(x, self.tokens)[..., -1], scope).squeeze(-1)
