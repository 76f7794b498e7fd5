"""Weight normalisation: a unit's weights are a length and a direction, w = g·v/‖v‖ (Salimans & Kingma 2016)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlebench.games.networks.network import Layer, Scope, Weight

_TINY = 1e-6  # added to ‖v‖²


@dataclass(frozen=True)
class WeightNormLinear(Layer):
    """(v·x) g/‖v‖ + b for every unit, on ``(runs, batch, inputs)``.

    The lengths g ``(runs, outputs)`` are trained, or are constants that the scope has in ``extra["lengths"]`` by the layer's name.
    Outputs are scaled rather than weights: there are fewer of them.
    """

    name: str
    inputs: int
    outputs: int
    trained: bool = True  # the lengths

    def weights(self) -> dict[str, Weight]:
        """V ``(outputs, inputs)``, b, and g where it is trained."""
        own = {f"{self.name}.direction": Weight((self.outputs, self.inputs), "direction")}
        own[f"{self.name}.bias"] = Weight((self.outputs,), "zeros")
        return own | ({f"{self.name}.length": Weight((self.outputs,), "ones")} if self.trained else {})

    def projected(self, x: Tensor, scope: Scope) -> Tensor:
        """(v·x)/‖v‖, ``(runs, batch, outputs)``."""
        v = scope.weights[f"{self.name}.direction"]
        return torch.bmm(x, v.mT) * (v.square().sum(-1) + _TINY).rsqrt().unsqueeze(1)

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """``(runs, batch, outputs)``."""
        lengths = scope.weights[f"{self.name}.length"] if self.trained else scope.extra["lengths"][self.name].to(x.dtype)
        return torch.addcmul(scope.weights[f"{self.name}.bias"].unsqueeze(1), self.projected(x, scope), lengths.unsqueeze(1))
