"""An LSTM over tokens, for all runs at once: a distribution of sequences that can be sampled and whose likelihoods are exact.

G(y_t | y_<t) = softmax(V h_t + c) with h_t the state of an LSTM of h units (Hochreiter & Schmidhuber 1997) fed with the embedding
of y_{t−1}. The first input is the embedding of token 0, as in SeqGAN's code (Yu et al. 2017).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.networks.layers import Linear
from saddlebench.games.networks.network import Layer, Network, Scope, Weight

START = 0  # the token whose embedding is the first input


@dataclass(frozen=True)
class TokenTable(Layer):
    """Rows of E ``(tokens, outputs)`` by token."""

    name: str
    tokens: int
    outputs: int

    def weights(self) -> dict[str, Weight]:
        """E."""
        return {f"{self.name}.weight": Weight((self.tokens, self.outputs))}

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """int64 ``(runs, batch, …)`` → ``(runs, batch, …, outputs)``."""
        table = self.weight(scope)
        rows = table.gather(1, x.flatten(1).unsqueeze(-1).expand(-1, -1, self.outputs))
        return rows.unflatten(1, x.shape[1:])


@dataclass(frozen=True)
class Recurrent(Network):
    """i, f, o, g = W(e, h) + b; c ← σ(f)c + σ(i) tanh g; h ← σ(o) tanh c; logits Vh + c.

    Attributes:
        tokens: of the vocabulary.
        embedding: size of a token's vector.
        hidden: units of h.
    """

    tokens: int
    embedding: int
    hidden: int

    @cached_property
    def _parts(self) -> tuple[TokenTable, Linear, Linear]:
        return (
            TokenTable("embedding", self.tokens, self.embedding),
            Linear("gates", self.embedding + self.hidden, 4 * self.hidden),
            Linear("output", self.hidden, self.tokens),
        )

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Embedding, gates, output."""
        return self._parts

    def normal(self, seeds: Tensor, what: str, std: float, dtype: torch.dtype = torch.float32) -> Tensor:
        """``(runs, size)`` parameters, biases included, from N(0, std²): how SeqGAN draws its oracle (1) and its generator (.1)."""
        return std * normal(seeds, what, self.size, dtype=dtype)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """log G(y_t | y_<t) of int64 sequences ``(runs, batch, T)``, as ``(runs, batch, T)``."""
        first = torch.full_like(x[..., :1], START)
        inputs = self._parts[0](torch.cat((first, x[..., :-1]), -1), scope)
        state, logits = self._rest(inputs), []
        for t in range(x.shape[-1]):
            state, now = self._step(inputs[:, :, t], state, scope)
            logits.append(now)
        return torch.stack(logits, 2).log_softmax(-1).gather(-1, x.unsqueeze(-1)).squeeze(-1)

    def generate(self, flat: Tensor, uniforms: Tensor, known: Callable[[int], tuple[Tensor, Tensor]] | None = None) -> Tensor:
        """int64 sequences ``(runs, batch, T)``, drawn by inverting the distribution function at ``uniforms`` ``(runs, batch, T)``.

        A draw is a step function of the parameters: no derivative goes through it.

        Args:
            flat: ``(runs, size)``.
            uniforms: numbers on (0, 1).
            known: for the t-th token, a mask ``(…, batch)`` of the sequences that are given one, and those tokens; None: none.
        """
        with torch.no_grad():
            scope = self.scope(flat)
            token = torch.full(uniforms.shape[:2], START, device=flat.device)
            state, tokens = self._rest(flat.new_empty(*uniforms.shape[:2], 0)), []
            for t in range(uniforms.shape[-1]):
                state, logits = self._step(self._parts[0](token, scope), state, scope)
                below = logits.softmax(-1).cumsum(-1)[..., :-1] < uniforms[..., t, None].to(logits)
                token = below.sum(-1)
                if known is not None:
                    given, values = known(t)
                    token = torch.where(given, values, token)
                tokens.append(token)
            return torch.stack(tokens, -1)

    def _rest(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """The state before the first token."""
        nothing = like.new_zeros(*like.shape[:2], self.hidden)
        return nothing, nothing

    def _step(self, x: Tensor, state: tuple[Tensor, Tensor], scope: Scope) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """The next state and the logits of the token that follows."""
        _, gates, output = self._parts
        hidden, cell = state
        i, f, o, g = gates(torch.cat((x, hidden), -1), scope).chunk(4, -1)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        hidden = o.sigmoid() * cell.tanh()
        return (hidden, cell), output(hidden, scope)
