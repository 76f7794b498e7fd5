"""What wrappers share that only evaluate another profile than the last."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.optimizer import Oracle, Profile
from saddlebench.optimizers.wrappers.wrapper import Wrapper


class AveragingState(NamedTuple):
    """The base's state, and what its next step does not depend on: the mean of its iterates, and their number."""

    inner: Any
    mean: Profile
    steps: Tensor
    passive = ("mean", "steps")


@dataclass(frozen=True)
class Averaging(Wrapper):
    """The base's iterates, and w̄_t = w̄_{t−1} + s_t (w_t − w̄_{t−1}) as a second answer, "average"; w̄_0 = w_0."""

    @abstractmethod
    def share(self, steps: Tensor) -> Tensor:
        """s_t, ``(runs, 1)`` float64, at the steps t = 1, 2, …."""

    def init(self, oracle: Oracle, w: Profile) -> AveragingState:
        """The mean of nothing is the start."""
        steps = torch.zeros(w[0].shape[0], 1, dtype=torch.int64, device=w[0].device)
        return AveragingState(self.base.init(oracle, w), w, steps)

    def step(self, oracle: Oracle, w: Profile, state: AveragingState) -> tuple[Profile, AveragingState]:
        """The base's step; the mean follows."""
        w, inner = self.base.step(oracle, w, state.inner)
        steps = state.steps + 1
        share = self.share(steps)
        mean = tuple(torch.lerp(m, x, share.to(x)) for m, x in zip(state.mean, w, strict=True))
        return w, AveragingState(inner, mean, steps)

    def answers(self, w: Profile, state: AveragingState) -> dict[str, Profile]:
        """The base's answers and the mean."""
        return {**self.base.answers(w, state.inner), "average": state.mean}
