"""What methods share that are pulled back to their start."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.optimizer import Oracle, Profile
from saddlebench.optimizers.scheme import Scheme


class AnchoredState(NamedTuple):
    """The rules' states, the start w₀, and the number of steps since."""

    rules: Any
    anchor: Profile
    steps: Tensor


@dataclass(frozen=True)
class Anchored(Scheme):
    """A scheme with an anchor at its start, whose pull fades with the step's number."""

    @property
    def autonomous(self) -> bool:
        """No: the pull fades."""
        return False

    def init(self, oracle: Oracle, w: Profile) -> Any:
        """Anchored at the start."""
        steps = torch.zeros(w[0].shape[0], 1, dtype=torch.int64, device=w[0].device)
        return AnchoredState(super().init(oracle, w), w, steps)
