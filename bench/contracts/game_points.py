"""The points at which a game is checked, and views of the game that the checks need."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from saddlebench.bench.contracts.playing import rows, seeds_of
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import map_tensors
from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Game, Profile

RUNS = 3


@dataclass(frozen=True)
class Spot:
    """A game with runs at generic points of its domain, one sample and the buffers that belong to them."""

    game: Game
    seeds: Tensor
    w: Profile
    sample: Any
    buffers: Buffers

    @property
    def losses(self) -> tuple[Tensor, ...]:
        """The losses here."""
        return self.game.losses(self.w, self.sample, self.buffers)

    @cached_property
    def direction(self) -> Profile:
        """A generic direction of unit length a run."""
        drawn = [normal(self.seeds, f"contract direction {i}", x.shape[-1]).to(x) for i, x in enumerate(self.w)]
        length = torch.cat(drawn, -1).norm(dim=-1, keepdim=True)
        return tuple(x / length for x in drawn)

    def at(self, w: Profile) -> "Spot":
        """The same with other strategies."""
        return Spot(self.game, self.seeds, w, self.sample, self.buffers)

    def moved(self, u: Profile, by: float) -> "Spot":
        """The same with strategies moved along u."""
        return self.at(tuple(x + by * y for x, y in zip(self.w, u, strict=True)))

    def of(self, run: int) -> "Spot":
        """One run alone."""
        keep = slice(run, run + 1)
        return Spot(self.game, self.seeds[keep], rows(self.w, keep), rows(self.sample, keep), rows(self.buffers, keep))

    def double(self) -> "Spot":
        """The same in float64."""

        def widen(x: Tensor) -> Tensor:
            return x.double() if x.is_floating_point() else x

        return Spot(self.game, self.seeds, *(map_tensors(widen, x) for x in (self.w, self.sample, self.buffers)))

    def open(self) -> "Spot":
        """The same game without its closed forms: autograd serves."""
        cls = type(self.game)
        bare = object.__new__(type(cls.__name__, (cls,), {"field": Game.field, "block": Game.block}))
        bare.__dict__.update(vars(self.game))
        return Spot(bare, self.seeds, self.w, self.sample, self.buffers)

    def oracle(self, differentiable: bool = False) -> Oracle:
        """An oracle that evaluates this very sample."""
        oracle = Oracle.at_step(self.game, self.seeds, 0, self.buffers, Counts(len(self.w)), differentiable=differentiable)
        oracle.stream.samples[0] = self.sample
        return oracle


def spot_of(game: Game, runs: int = RUNS) -> Spot:
    """Generic points near the start, of the domain."""
    seeds = seeds_of(runs)
    start = game.initial(seeds)
    buffers = game.buffers(start, seeds)
    w = tuple(
        game.project(i, x + 0.1 * normal(seeds, f"contract point {i}", x.shape[-1]).to(x) * (1 if x.shape[-1] < 100 else 0.1))
        for i, x in enumerate(start)
    )
    return Spot(game, seeds, w, game.sample(seeds, 3, 1), game.advance(w, buffers))
