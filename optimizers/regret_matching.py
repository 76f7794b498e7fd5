"""Regret matching."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.optimizer import Optimizer, Oracle, Profile


class RegretState(NamedTuple):
    """Cumulative regrets, the mean of the played strategies, and the number of steps."""

    regrets: Profile
    mean: Profile
    steps: Tensor
    passive = ("mean",)


@dataclass(frozen=True)
class RegretMatching(Optimizer):
    """R⁺ = R + ⟨w, g⟩1 − g, w⁺ ∝ max(R⁺, 0), uniform where no regret is positive; g = v(w) is what each action loses.

    Hart & Mas-Colell, Econometrica 2000. The regrets start as the start strategy itself, which they therefore match (a pure start
    is one unit of regret). The mean of the played strategies w_0, w_1, … is what converges in zero-sum games.
    """

    name = "regret-matching"
    paper = "Hart & Mas-Colell 2000"
    cost = "1 gradient"

    alternating: bool = False  # the players move one after another, each seeing the others' newest strategies
    linear_averaging: bool = False  # the t-th played strategy weighs t in the mean

    @property
    def domains(self) -> tuple[str, ...]:
        """Strategies are probabilities."""
        return ("simplex",)

    @property
    def smooth(self) -> bool:
        """No: max(R, 0) has a kink."""
        return False

    def kept(self, regrets: Tensor) -> Tensor:
        """What is remembered of the regrets: all."""
        return regrets

    def init(self, oracle: Oracle, w: Profile) -> RegretState:
        """Regrets that the start matches."""
        return RegretState(w, w, torch.zeros(w[0].shape[0], 1, dtype=torch.int64, device=w[0].device))

    def step(self, oracle: Oracle, w: Profile, state: RegretState) -> tuple[Profile, RegretState]:
        """One gradient a player, at the newest strategies if alternating."""
        steps = state.steps + 1
        share = 2 / (steps + 1).double() if self.linear_averaging else 1 / steps.double()
        profile, regrets = list(w), list(state.regrets)
        field = () if self.alternating else oracle.field(w)
        for i, x in enumerate(w):
            if self.alternating and i:
                oracle = oracle.fresh(committed=tuple(profile))
            loss = oracle.gradient(i, tuple(profile)) if self.alternating else field[i]
            regrets[i] = self.kept(regrets[i] + (x * loss).sum(-1, keepdim=True) - loss)
            profile[i] = _matched(regrets[i])
        mean = tuple(torch.lerp(m, x, share.to(x)) for m, x in zip(state.mean, w, strict=True))
        return tuple(profile), RegretState(tuple(regrets), mean, steps)

    def answers(self, w: Profile, state: RegretState) -> dict[str, Profile]:
        """The next strategy, and the mean of the played ones."""
        return {"last": w, "average": state.mean}


def _matched(regrets: Tensor) -> Tensor:
    positive = regrets.clamp_min(0)
    total = positive.sum(-1, keepdim=True)
    return torch.where(total > 0, positive / torch.where(total > 0, total, 1.0), 1 / regrets.shape[-1])
