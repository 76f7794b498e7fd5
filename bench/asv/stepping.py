"""Seconds and memory of steps."""

from typing import Any

from .cases import NAMES, pair

_STEPS = 10


class Stepping:
    """Seconds of ten steps of one run: what every optimizer costs on a game in the plane, on a simplex and on small networks."""

    params = (NAMES, ["bilinear", "rock-paper-scissors", "gaussian-ring"])
    param_names = ("optimizer", "game")
    repeat = (3, 10, 2.0)
    warmup_time = 0.05
    sample_time = 0.02
    timeout = 600  # of which torch's import takes the most on a busy machine
    runs = 1

    def setup(self, optimizer: str, game: str) -> None:
        """Make the first step, which is not timed."""
        from saddlebench.bench.contracts.playing import advance, begin, seeds_of

        self.advance: Any = advance
        self.game, self.optimizer = pair(optimizer, game)
        self.play: Any = advance(self.game, self.optimizer, begin(self.game, self.optimizer, seeds_of(self.runs)), 1)

    def time_ten_steps(self, optimizer: str, game: str) -> None:
        """Ten steps from where the first one led."""
        self.advance(self.game, self.optimizer, self.play, _STEPS)


class Batch(Stepping):
    """The same of a thousand runs together, of a few methods."""

    params = (["simultaneous-gradient", "extragradient", "adam", "consensus"], ["bilinear"])
    runs = 1000


class Memory:
    """Peak memory of a process that makes two hundred steps on small networks."""

    params = ("simultaneous-gradient", "extragradient", "adam", "consensus", "symplectic-gradient", "competitive-gradient")
    param_names = ("optimizer",)

    def peakmem_gaussian_ring(self, optimizer: str) -> None:
        """Of the whole process, torch's 300 MB included."""
        from saddlebench.bench.contracts.playing import advance, begin, seeds_of

        game, made = pair(optimizer, "gaussian-ring")
        advance(game, made, begin(game, made, seeds_of(1)), 200)
