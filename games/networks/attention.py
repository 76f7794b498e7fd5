"""Self-attention over the pixels of an image: every pixel looks at all others (Zhang et al. 2019, SA-GAN).

    y = x + γ·o(g(x) softmax(θ(x)ᵀφ(x))ᵀ),   θ, φ, g, o: 1×1 convolutions without bias, γ = 0 at the start

θ and φ have an eighth of the channels, g half of them; φ and g are pooled to a quarter of the pixels.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from saddlebench.games.networks.layers import Conv
from saddlebench.games.networks.network import Layer, Scope, Weight


@dataclass(frozen=True)
class Gain(Layer):
    """γx with one number γ, 0 at the start, on folded images."""

    name: str

    def weights(self) -> dict[str, Weight]:
        """γ."""
        return {f"{self.name}.gain": Weight((1,), "zeros")}

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Of the input's shape."""
        gain = scope.weights[f"{self.name}.gain"].view(1, scope.runs, 1, 1, 1)
        return (x.unflatten(1, (scope.runs, -1)) * gain).flatten(1, 2)


@dataclass(frozen=True)
class SelfAttention:
    """x + γ·o(…) on folded images of ``channels`` a run, of even side."""

    name: str
    channels: int
    spectral: bool = True

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """θ, φ, g, o, γ."""
        c, key, value = self.channels, max(self.channels // 8, 1), max(self.channels // 2, 1)
        sizes = {"theta": (c, key), "phi": (c, key), "g": (c, value), "o": (value, c)}
        convs = (Conv(f"{self.name}.{k}", *pair, 1, bias=False, spectral=self.spectral) for k, pair in sizes.items())
        return *convs, Gain(self.name)

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Of the input's shape."""
        theta, phi, g, o, gain = self.layers
        query, key, value = theta(x, scope), max_pool2d(phi(x, scope), 2), max_pool2d(g(x, scope), 2)
        query, key, value = (t.unflatten(1, (scope.runs, -1)).flatten(0, 1).flatten(2) for t in (query, key, value))
        weight = torch.bmm(query.mT, key).softmax(-1)  # (batch·runs, pixels, a quarter of them)
        seen = torch.bmm(value, weight.mT).view(len(x), -1, *x.shape[2:])
        return x + gain(o(seen, scope), scope)
