"""A smooth game written once for every library, and trajectories on it."""

from dataclasses import dataclass

import numpy as np
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, seeds_of
from saddlebench.games.draws import normal
from saddlebench.games.game import Game

RUNS = 2
MISSING = "install the group peers: make test-peers"


@dataclass(frozen=True)
class Waves(Game):
    """f(x, y) = ½‖x‖² − ½‖y‖² + Σ_k c_k cos(a_k·x + b_k·y + d_k), y's loss −f; not zero-sum: −f + Σ_k c_k sin(a_k·x − b_k·y).

    Random coefficients by seed. `values` is one formula for torch, jax.numpy and numpy, so that each library differentiates alone.
    """

    name = "waves"

    seed: int = 0
    sizes: tuple[int, int] = (3, 2)  # pyright: ignore[reportIncompatibleMethodOverride] - a field here
    zero_sum: bool = True  # pyright: ignore[reportIncompatibleMethodOverride] - a field here

    @property
    def players(self):
        return ("x", "y")

    def initial(self, seeds):
        return tuple(normal(seeds, f"start {i}", size) for i, size in enumerate(self.sizes))

    def values(self, library, x, y):
        """Both losses, in the arithmetic of ``library``."""
        rng = np.random.default_rng(self.seed)
        drawn = [rng.normal(size=(n, 5)) for n in self.sizes], rng.normal(size=5) / 3, rng.uniform(0, 6, size=5)
        (a, b), c, d = ([library.asarray(m) for m in drawn[0]], *(library.asarray(m) for m in drawn[1:]))
        f = (x * x).sum(-1) / 2 - (y * y).sum(-1) / 2 + (c * library.cos(x @ a + y @ b + d)).sum(-1)
        return f, -f if self.zero_sum else -f + (c * library.sin(x @ a - y @ b)).sum(-1)

    def losses(self, profile, sample, buffers):
        return self.values(torch, *profile)


def starts(game):
    """The start of each run, a NumPy array a player."""
    return tuple(x.numpy().copy() for x in game.initial(seeds_of(RUNS)))


def played(game, name, parameters, steps, state=None, w=None):
    """The profiles after each step, an array ``(steps, runs, size)`` a player; ``state(play)``: another start of the state."""
    method = build("optimizer", {name: parameters})
    play, seen = begin(game, method, seeds_of(RUNS if w is None else len(w[0])), w), []
    if state is not None:
        play = play._replace(state=state(play))
    for _ in range(steps):
        play = advance(game, method, play, 1)
        seen.append(play.w)
    return tuple(torch.stack(x).numpy() for x in zip(*seen, strict=True))


def assert_same(ours, theirs, rtol=1e-10):
    """Whole trajectories agree, relative to the larger of 1 and each number; and they went somewhere."""
    for x, y in zip(ours, theirs, strict=True):
        assert x.shape == y.shape
        assert np.isfinite(x).all()
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)
    assert max(np.abs(x[-1] - x[0]).max() for x in ours) > 1e-3
