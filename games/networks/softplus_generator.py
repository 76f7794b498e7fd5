"""A fully connected generator with batch norm, of Salimans et al. 2016."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor
from torch.nn.functional import softplus

from saddlebench.games.networks.layers import BatchNorm, Linear, spread
from saddlebench.games.networks.network import Layer, Network, Scope, unfold
from saddlebench.games.networks.weight_norm import WeightNormLinear

_EPSILON = 1e-6  # of batch norm, under the root


@dataclass(frozen=True)
class SoftplusGenerator(Network):
    """z → (linear, batch norm without gain, softplus) a hidden layer → weight-normalised linear → 2·sigmoid − 1.

    Attributes:
        widths: of z, of the hidden layers, of the output.
    """

    widths: tuple[int, ...]

    @cached_property
    def _parts(self) -> tuple[tuple[tuple[Linear, BatchNorm], ...], WeightNormLinear]:
        pairs = list(zip(self.widths, self.widths[1:], strict=False))
        hidden = tuple(
            (Linear(f"linear{k}", *pair, bias=False), BatchNorm(f"norm{k}", pair[1], _EPSILON, gain=False))
            for k, pair in enumerate(pairs[:-1])
        )
        return hidden, WeightNormLinear("last", *pairs[-1])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        hidden, last = self._parts
        return *(layer for pair in hidden for layer in pair), last

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """``(runs, batch, size of z)`` → ``(runs, batch, outputs)`` in [−1, 1]."""
        hidden, last = self._parts
        for linear, norm in hidden:
            x = softplus(unfold(norm(spread(linear(x, scope)), scope), scope.runs).flatten(2))
        return 2 * last(x, scope).sigmoid() - 1
