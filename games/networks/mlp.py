"""Multilayer perceptrons on a run axis."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from saddlebench.games.draws import normal, uniform
from saddlebench.games.networks.network import Scheme, orthogonal

Activation = Literal["relu", "leaky-relu", "tanh"]
Output = Literal["identity", "tanh", "sigmoid", "relu", "leaky-relu"]

_SLOPE = 0.2  # of the leaky ReLU below zero, as in DCGAN
_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "relu": torch.relu,
    "leaky-relu": lambda x: leaky_relu(x, _SLOPE),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


@dataclass(frozen=True)
class MLP:
    """x ↦ W_L a(… a(W_1 x + b_1) …) + b_L, then the output function; one network a run.

    A run's parameters are one row of a flat tensor ``(runs, size)``: W_1 as ``(inputs, outputs)`` row by row, b_1, W_2, b_2, …
    A layer is one ``baddbmm`` over views of it, so nothing is copied on the way in, and ``split`` has one concatenation for its
    backward (a slice for each parameter would each write a gradient of the whole size). Any number of derivatives may be taken.
    A ReLU's second derivative is zero where it is defined.

    Attributes:
        widths: inputs, hidden layers, outputs.
        activation: of the hidden layers; the leaky ReLU has slope 0.2.
        output: applied to the last layer.
    """

    widths: tuple[int, ...]
    activation: Activation = "relu"
    output: Output = "identity"

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(f"an MLP needs the sizes of its input and output, all positive, not {self.widths}")

    @cached_property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of each layer."""
        return tuple(zip(self.widths, self.widths[1:], strict=False))

    @cached_property
    def _parts(self) -> list[int]:
        """Sizes of W_1, b_1, W_2, b_2, … in the flat tensor."""
        return [n for inputs, outputs in self.layers for n in (inputs * outputs, outputs)]

    @property
    def size(self) -> int:
        """The number of parameters of one network."""
        return sum(self._parts)

    def parameters(self, flat: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Views (W ``(runs, inputs, outputs)``, b ``(runs, 1, outputs)``) of ``(runs, size)``, one pair a layer."""
        parts = flat.split(self._parts, -1)
        return [(parts[2 * k].unflatten(-1, shape), parts[2 * k + 1].unsqueeze(-2)) for k, shape in enumerate(self.layers)]

    def forward(self, flat: Tensor, x: Tensor) -> Tensor:
        """``(runs, batch, inputs)`` → ``(runs, batch, outputs)`` with the parameters ``flat``, ``(runs, size)``."""
        activation, last = _FUNCTIONS[self.activation], len(self.layers) - 1
        for k, (weight, bias) in enumerate(self.parameters(flat)):
            x = torch.baddbmm(bias, x, weight)
            if k < last:
                x = activation(x)
        return _FUNCTIONS[self.output](x)

    def initial(self, seeds: Tensor, what: str, scheme: Scheme = "xavier", dtype: torch.dtype = torch.float32) -> Tensor:
        """Initial parameters ``(runs, size)`` from int64 ``seeds`` ``(runs,)``; ``what`` names the draw, one name a network.

        ``xavier``: W uniform on ±√(6/(inputs + outputs)), b = 0 (Glorot & Bengio 2010). ``pytorch``: W and b uniform on
        ±1/√inputs, torch.nn.Linear's default. ``orthogonal``: W with orthonormal columns or rows, b = 0 (Saxe et al. 2014).
        ``normal``: W from N(0, 0.02²), b = 0 (DCGAN).
        """
        if scheme == "normal":
            flat = 0.02 * normal(seeds, what, self.size)
        elif scheme == "orthogonal":
            flat = normal(seeds, what, self.size)
        else:
            flat = 2 * uniform(seeds, what, self.size) - 1
        pieces = []
        for weight, bias in self.parameters(flat):
            inputs, outputs = weight.shape[1:]
            if scheme == "orthogonal":
                weight = orthogonal(weight)
            elif scheme == "xavier":
                weight = weight * math.sqrt(6 / (inputs + outputs))
            elif scheme == "pytorch":
                weight, bias = weight / math.sqrt(inputs), bias / math.sqrt(inputs)
            pieces += [weight.flatten(1), bias.flatten(1) if scheme == "pytorch" else torch.zeros_like(bias).flatten(1)]
        return torch.cat(pieces, -1).to(dtype)
