"""A fully connected classifier with weight normalisation and normal noise before every layer, of Salimans et al. 2016."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from saddlebench.games.networks.network import Critic, Scope
from saddlebench.games.networks.weight_norm import WeightNormLinear


@dataclass(frozen=True)
class NoisyClassifier(Critic):
    """x → (+ noise, weight-normalised linear, ReLU) a hidden layer → + noise, weight-normalised linear.

    The hidden layers' lengths are constants: trained, they could grow until the noise is small beside what they multiply. Those
    constants and the first biases are such that every unit's input has mean 0 and variance 1 on a first batch (`started`). Noise is
    what the scope has in ``extra["noise"]``, a tensor ``(runs, batch, inputs)`` a layer; without, as in evaluation, there is none.

    Attributes:
        widths: inputs, hidden layers, classes.
    """

    widths: tuple[int, ...]

    @cached_property
    def linears(self) -> tuple[WeightNormLinear, ...]:
        """In the order of the computation; the last one's lengths are trained."""
        last = len(self.widths) - 2
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return tuple(WeightNormLinear(f"linear{k}", *pair, trained=k == last) for k, pair in enumerate(pairs))

    @property
    def layers(self) -> tuple[WeightNormLinear, ...]:
        """The same."""
        return self.linears

    @property
    def inputs(self) -> tuple[int, ...]:
        """Of each layer: the sizes of their noise."""
        return self.widths[:-1]

    def told(self, scope: Scope, lengths: Tensor, noise: Tensor | None = None) -> Scope:
        """The scope with the hidden layers' lengths ``(runs, sum of hidden widths)`` and noise ``(runs, batch, sum of inputs)``."""
        named = zip(self.linears, lengths.split(self.widths[1:-1], -1), strict=False)
        parts = None if noise is None else noise.split(self.inputs, -1)
        return replace(scope, extra={"lengths": {layer.name: part for layer, part in named}, "noise": parts})

    def features(self, x: Tensor, scope: Scope) -> Tensor:
        """The last hidden layer's ``(runs, batch, features)``, before noise is added to it."""
        for k, layer in enumerate(self.linears[:-1]):
            x = layer(_noisy(x, k, scope.extra), scope).relu()
        return x

    def logits(self, features: Tensor, scope: Scope) -> Tensor:
        """Of features ``(runs, batch, features)``: ``(runs, batch, classes)``."""
        last = len(self.linears) - 1
        return self.linears[last](_noisy(features, last, scope.extra), scope)

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """``(runs, batch, inputs)`` → ``(runs, batch, classes)``."""
        return self.logits(self.features(x, scope), scope)

    def started(self, flat: Tensor, x: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Parameters and the hidden layers' lengths with which every unit's input on this batch has mean 0 and variance 1.

        Args:
            flat: ``(runs, size)``, of which the directions are kept.
            x: ``(runs, batch, inputs)``.
            noise: ``(runs, batch, sum of inputs)``.
        """
        scope = self.scope(flat)
        weights, lengths = dict(scope.weights), []
        extra = {"noise": None if noise is None else noise.split(self.inputs, -1)}
        for k, layer in enumerate(self.linears):
            reached = layer.projected(_noisy(x, k, extra), scope)
            variance, mean = torch.var_mean(reached, 1, correction=0)
            length = variance.rsqrt()
            lengths.append(length)
            weights[f"{layer.name}.bias"] = -mean * length
            x = ((reached - mean.unsqueeze(1)) * length.unsqueeze(1)).relu()
        weights[f"{self.linears[-1].name}.length"] = lengths.pop()
        return torch.cat([w.flatten(1) for w in weights.values()], -1), torch.cat(lengths, -1)


def _noisy(x: Tensor, k: int, extra: Mapping[str, tuple[Tensor, ...] | None]) -> Tensor:
    noise = extra["noise"]
    return x if noise is None else x + noise[k].to(x.dtype)
