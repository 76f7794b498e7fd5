"""Random smooth games of any number of players, and their derivatives straight from the losses."""

from dataclasses import dataclass

import numpy as np
import torch

from saddlebench.bench.contracts.playing import difference
from saddlebench.games.draws import normal
from saddlebench.games.game import Game

from .trajectories import trajectory

SOLVED = 1e-9  # where a linear system is solved, by iterations here and by a factorisation there


@dataclass(frozen=True)
class RandomGame(Game):
    """loss_i = ½‖w_i‖² + Σ_k c_ik cos(a_k·w + d_k), w all strategies, coefficients by seed; zero-sum: f and −f, y's ½‖y‖² in −f."""

    name = "random-game"

    seed: int = 0
    sizes: tuple[int, ...] = (2, 3)  # pyright: ignore[reportIncompatibleMethodOverride] - a field here
    zero_sum: bool = True  # pyright: ignore[reportIncompatibleMethodOverride] - a field here
    coupling: float = 1.0  # 0: no player's loss depends on another's strategy

    @property
    def players(self):
        return tuple(f"player {i}" for i in range(len(self.sizes)))

    def initial(self, seeds):
        return tuple(normal(seeds, f"start {i}", size) for i, size in enumerate(self.sizes))

    def losses(self, profile, sample, buffers):
        rng = np.random.default_rng(self.seed)
        terms, total = 6, sum(self.sizes)
        phase = torch.tensor(rng.uniform(0, 6, size=terms))
        weights = torch.tensor(rng.normal(size=(len(self.sizes), terms)) / terms)
        directions = torch.tensor(rng.normal(size=(terms, total))).split(self.sizes, -1)
        own = [(w * w).sum(-1) / 2 for w in profile]
        angles = [w @ a.mT for w, a in zip(profile, directions, strict=True)]
        if self.zero_sum:
            apart = angles[0].cos() - angles[1].cos()
            value = own[0] - own[1] + ((self.coupling * (angles[0] + angles[1] + phase).cos() + apart / 4) * weights[0]).sum(-1)
            return value, -value
        whole = torch.stack(angles).sum(0)
        return tuple(h + ((whole + phase + i).cos() * c).sum(-1) for i, (h, c) in enumerate(zip(own, weights, strict=True)))


def zero_sum(seed):
    rng = np.random.default_rng(seed)
    return RandomGame(seed, tuple(int(n) for n in rng.integers(1, 4, size=2)))


def general_sum(seed):
    rng = np.random.default_rng(seed)
    return RandomGame(seed, tuple(int(n) for n in rng.integers(1, 4, size=rng.integers(2, 4))), zero_sum=False)


def two_players(seed):
    rng = np.random.default_rng(seed)
    return RandomGame(seed, tuple(int(n) for n in rng.integers(1, 4, size=2)), zero_sum=bool(seed % 2))


class Derivatives:
    """What autograd says of the losses at a profile, every answer with its graph."""

    def __init__(self, game, w):
        self.w = tuple(x.detach().requires_grad_() for x in w)
        self.losses = game.losses(self.w, None, ())

    def gradient(self, value, j):
        return torch.autograd.grad(value.sum(), self.w[j], create_graph=True, materialize_grads=True)[0]

    def of(self, i, j):
        """∂loss_i/∂w_j."""
        return self.gradient(self.losses[i], j)

    @property
    def v(self):
        return tuple(self.of(i, i) for i in range(len(self.w)))

    def block(self, i, j):
        """J_ij, ``(runs, n_i, n_j)``."""
        v = self.of(i, i)
        return torch.stack([self.gradient(v[:, k], j) for k in range(v.shape[-1])], 1)

    @property
    def jacobian(self):
        players = range(len(self.w))
        return torch.cat([torch.cat([self.block(i, j) for j in players], -1) for i in players], 1)


def square(blocks):
    """‖blocks‖² a run."""
    return sum((b * b).sum(-1) for b in blocks)


def apply(matrix, x):
    return (matrix @ x[..., None]).squeeze(-1)


def agrees(game, method, expected, tolerance=1e-12, steps=8):
    """Does every step of a trajectory end where ``expected(derivatives, w, last)`` says?"""
    plays = trajectory(game, method, steps)
    for last, before, after in zip([plays[0], *plays], plays, plays[1:], strict=False):
        assert difference(after.w, expected(Derivatives(game, before.w), before.w, last.w)) <= tolerance


def stepped(w, eta, directions):
    return tuple((x - eta * d).detach() for x, d in zip(w, directions, strict=True))
