"""Optimism over any rule."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.rules.over import Over
from saddlebench.parameters import NonNegative, cast, pick


class OptimisticState(NamedTuple):
    """The inner rule's state, its last direction, and whether there was one (a mask of ones after the first step)."""

    inner: Any
    last: Tensor
    started: Tensor
    passive = ("started",)


@dataclass(frozen=True)
class Optimistic(Over):
    """d = (1+κ) p − κ p₋, with p the direction of the inner rule and p₋ its last one.

    Popov 1980; Daskalakis, Ilyas, Syrgkanis, Zeng, ICLR 2018. Papers leave the start open: with ``start="zero"`` p₋ is 0, so the
    first step is (1+κ)p (Popov's half iterates then satisfy the optimistic update exactly); with ``start="gradient"`` p₋ = p.
    """

    name = "optimistic"
    paper = "Popov 1980; Daskalakis et al. 2018"

    optimism: NonNegative = 1.0  # κ
    start: Literal["zero", "gradient"] = "zero"  # p₋ before the first step

    def init(self, i: int, w: Tensor) -> OptimisticState:
        """No last direction."""
        started = w.new_full((w.shape[0], 1), float(self.start == "zero"))
        return OptimisticState(self.rule.init(i, w), torch.zeros_like(w), started)

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: OptimisticState) -> tuple[Tensor, OptimisticState]:
        """The inner rule's direction, extrapolated."""
        p, inner = self.rule.direction(i, w, gradient, state.inner)
        last = torch.where(state.started > 0, state.last, p)
        kappa = pick(self.optimism, i)
        return cast(1 + kappa, p) * p - cast(kappa, p) * last, OptimisticState(inner, p, torch.ones_like(state.started))
