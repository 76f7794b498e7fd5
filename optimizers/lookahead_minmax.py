"""Lookahead over any optimizer."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.optimizer import Oracle, Profile
from saddlebench.optimizers.search import Space, Uniform
from saddlebench.optimizers.wrappers.wrapper import Wrapper
from saddlebench.parameters import Count, Share, cast


class LookaheadState(NamedTuple):
    """The base's state, the slow profile, and the number of steps since the start (an integer: no part of the step map)."""

    inner: Any
    slow: Profile
    steps: Tensor


@dataclass(frozen=True)
class LookaheadMinmax(Wrapper):
    """k steps of the base, then all players jump at once: w ← w_slow + α (w − w_slow), w_slow ← w.

    Chavdarova et al., ICLR 2021 (Zhang et al. 2019 for one player); k = 5, α = ½. The base's own state runs on across the jump.
    A base that has a cycle counts by cycles, so that a lookahead over a lookahead is the paper's nested form: the super-slow
    profile follows every k slow ones.
    """

    name = "lookahead-minmax"
    paper = "Chavdarova et al. 2021"
    cost = "that of the base"
    search: ClassVar[Space] = {"alpha": Uniform(0.05, 1)}

    inner_steps: Count = 5  # k, steps of the base (its cycles, if it has any) between two jumps
    alpha: Share = 0.5  # α

    @property
    def period(self) -> int:
        """From jump to jump."""
        return self.inner_steps * self.base.period

    def init(self, oracle: Oracle, w: Profile) -> LookaheadState:
        """Slow and fast begin together."""
        steps = torch.zeros(w[0].shape[0], 1, dtype=torch.int64, device=w[0].device)
        return LookaheadState(self.base.init(oracle, w), w, steps)

    def step(self, oracle: Oracle, w: Profile, state: LookaheadState) -> tuple[Profile, LookaheadState]:
        """A step of the base; the slow profile is taken before a cycle's first step, the jump follows its last."""
        slow = tuple(torch.where(state.steps % self.period == 0, x, s) for x, s in zip(w, state.slow, strict=True))
        fast, inner = self.base.step(oracle, w, state.inner)
        steps = state.steps + 1
        due = steps % self.period == 0
        w = tuple(torch.where(due, s + cast(self.alpha, s) * (f - s), f) for s, f in zip(slow, fast, strict=True))
        return w, LookaheadState(inner, slow, steps)
