"""Halpern iteration over any optimizer."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.optimizer import Optimizer, Oracle, Profile
from saddlebench.optimizers.proximal_point import ProximalPoint
from saddlebench.optimizers.wrappers.wrapper import Wrapper


class HalpernState(NamedTuple):
    """The base's state, the start w₀, and the number of steps since."""

    inner: Any
    anchor: Profile
    steps: Tensor


@dataclass(frozen=True)
class Halpern(Wrapper):
    """w⁺ = λ_k w₀ + (1 − λ_k) T(w), λ_k = 1/(k+2), k = 0, 1, …, with T the base's step, which must be nonexpansive.

    Halpern, Bull. AMS 1967. The resolvent (`proximal-point`) of a monotone game is nonexpansive; simultaneous gradient is not.
    """

    name = "halpern"
    paper = "Halpern 1967"
    cost = "that of the base"

    base: Optimizer = ProximalPoint()  # T

    @property
    def autonomous(self) -> bool:
        """No: the anchor's pull fades with the step's number."""
        return False

    def init(self, oracle: Oracle, w: Profile) -> HalpernState:
        """Anchored at the start."""
        steps = torch.zeros(w[0].shape[0], 1, dtype=torch.int64, device=w[0].device)
        return HalpernState(self.base.init(oracle, w), w, steps)

    def step(self, oracle: Oracle, w: Profile, state: HalpernState) -> tuple[Profile, HalpernState]:
        """The base's step, then the pull."""
        moved, inner = self.base.step(oracle, w, state.inner)
        pull = 1 / (state.steps.double() + 2)
        w = tuple(torch.lerp(x, a, pull.to(x)) for x, a in zip(moved, state.anchor, strict=True))
        return w, HalpernState(inner, state.anchor, state.steps + 1)
