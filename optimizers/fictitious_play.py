"""Fictitious play."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.optimizer import Optimizer, Oracle, Profile


class Counts(NamedTuple):
    """How often each player has played each action: integers, because ties decide."""

    counts: Profile


@dataclass(frozen=True)
class FictitiousPlay(Optimizer):
    """w_i⁺ = e_a, a = argmin v_i(w̄), w̄ = counts/t: each player answers the others' empirical mixture, all at once.

    Brown 1951; Robinson 1951: the mixtures converge in zero-sum games. Ties (losses within rounding of the least) go to the lowest
    index. The counts start with one play of the likeliest action of the start strategy.
    """

    name = "fictitious-play"
    paper = "Brown 1951; Robinson 1951"
    cost = "1 gradient"

    @property
    def domains(self) -> tuple[str, ...]:
        """Strategies are probabilities."""
        return ("simplex",)

    @property
    def autonomous(self) -> bool:
        """No: a play weighs less the more have been."""
        return False

    @property
    def smooth(self) -> bool:
        """No: answers jump."""
        return False

    def init(self, oracle: Oracle, w: Profile) -> Counts:
        """One play each."""
        return Counts(tuple(_one_hot(x.argmax(-1), x) for x in w))

    def step(self, oracle: Oracle, w: Profile, state: Counts) -> tuple[Profile, Counts]:
        """Answer the mixtures, and count."""
        losses = oracle.field(self.answers(w, state)["average"])
        played = tuple(_one_hot(_first_least(g), g) for g in losses)
        counts = tuple(c + p for c, p in zip(state.counts, played, strict=True))
        return tuple(p.to(x) for p, x in zip(played, w, strict=True)), Counts(counts)

    def answers(self, w: Profile, state: Counts) -> dict[str, Profile]:
        """The last actions, and the empirical mixtures."""
        mixtures = (c / c.sum(-1, keepdim=True).double() for c in state.counts)
        return {"last": w, "average": tuple(m.to(x) for m, x in zip(mixtures, w, strict=True))}


def _one_hot(action: Tensor, like: Tensor) -> Tensor:
    return (torch.arange(like.shape[-1], device=like.device) == action[:, None]).long()


def _first_least(losses: Tensor) -> Tensor:
    """The lowest index whose loss is the least, up to rounding."""
    rounding = 64 * torch.finfo(losses.dtype).eps * losses.abs().amax(-1, keepdim=True)
    return (losses <= losses.amin(-1, keepdim=True) + rounding).long().argmax(-1)
