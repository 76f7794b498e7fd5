"""Uniform averaging of another optimizer's iterates."""

from dataclasses import dataclass

from torch import Tensor

from saddlebench.optimizers.wrappers.averaging import Averaging


@dataclass(frozen=True)
class UniformAverage(Averaging):
    """w̄_t = (1 − 1/t) w̄_{t−1} + w_t/t over the base's iterates w_1, w_2, …: the mean is evaluated, the iterates do not change.

    Bruck 1977; Gidel et al., ICLR 2019.
    """

    name = "uniform-average"
    paper = "Bruck 1977; Gidel et al. 2019"
    cost = "that of the base"

    def share(self, steps: Tensor) -> Tensor:
        """1/t."""
        return 1 / steps.double()
