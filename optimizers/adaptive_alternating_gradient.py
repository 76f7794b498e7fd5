"""Alternating play whose players answer the first until they are nearly at rest."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlebench.optimizers.optimizer import Oracle, Profile, State
from saddlebench.optimizers.scheme import Scheme
from saddlebench.optimizers.trees import where
from saddlebench.parameters import Count, Positive, cast, pick


@dataclass(frozen=True)
class AdaptiveAlternatingGradient(Scheme):
    """k_D : 1 with an adaptive k_D: players 1, 2, … repeat w_i⁺ = w_i − η d(v_i) while ‖v_i‖ > θ‖v_0‖, then player 0 moves.

    The rule: before each of at most k moves the gradients of all players are asked at the current profile and a fresh sample; a
    player moves if its own norm exceeds θ times player 0's there. So a discriminator far from its best answer is trained on, and
    one close to it waits. Texts that suggest a dynamic ratio state no rule (Goodfellow et al. 2014 fix it); this one is ours.
    """

    name = "adaptive-alternating-gradient"
    paper = "after Goodfellow et al. 2014"
    cost = "k gradients + 1 of player 0"

    most: Count = 5  # k, the largest number of moves of each other player in one step
    threshold: Positive = 1.0  # θ

    @property
    def smooth(self) -> bool:
        """No: whether a player moves jumps."""
        return False

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """Up to k answers, then the move that they answer next."""
        profile, states = list(w), list(state)
        for _ in range(self.most):
            field = oracle.field(tuple(profile))
            for i in range(1, len(w)):
                moves = _norm(field[i]) > cast(pick(self.threshold, i), w[i]) * _norm(field[0])
                moved, after = self.move(oracle, i, profile[i], field[i], states[i])
                profile[i] = torch.where(moves, moved, profile[i])
                states[i] = where(moves, after, states[i])
            oracle = oracle.fresh(committed=tuple(profile))
        profile[0], states[0] = self.move(oracle, 0, profile[0], oracle.gradient(0, tuple(profile)), states[0])
        return tuple(profile), tuple(states)


def _norm(x: Tensor) -> Tensor:
    return x.norm(dim=-1, keepdim=True)
