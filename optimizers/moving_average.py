"""Exponential moving average of another optimizer's iterates."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from saddlebench.optimizers.search import Space
from saddlebench.optimizers.wrappers.averaging import Averaging


@dataclass(frozen=True)
class MovingAverage(Averaging):
    """w̄ ← β w̄ + (1 − β) w over the base's iterates: the mean is evaluated, the iterates do not change (EMA).

    Yazıcı et al., ICLR 2019; BigGAN has β = 0.9999, from step 20,000 on. Gidel et al. 2019 have 0.999 for small networks.
    """

    name = "moving-average"
    paper = "Yazıcı et al. 2019"
    cost = "that of the base"
    search: ClassVar[Space] = {"decay": None}  # moves no iterate

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.9999  # β
    start_step: Annotated[int, Field(ge=0)] = 0  # until this step the mean is the iterate itself

    def share(self, steps: Tensor) -> Tensor:
        """1 − β."""
        return (steps <= self.start_step).double().clamp_min(1 - self.decay)
