"""Seconds of a spectral radius, and the radii themselves: a radius that moves is another method."""

import math
from typing import Any

from .cases import NAMES, pair


class Spectra:
    """The spectrum of the step map at the equilibrium."""

    params = (NAMES, ["bilinear", "quadratic"])
    param_names = ("optimizer", "game")
    repeat = (3, 5, 2.0)
    warmup_time = 0.05
    sample_time = 0.02

    def setup(self, optimizer: str, game: str) -> None:
        """Find the spectrum once, so that methods without one are left out."""
        from saddlebench.bench.spectrum import NoSpectrumError, at_equilibrium

        self.find: Any = at_equilibrium
        self.game, self.optimizer = pair(optimizer, game)
        try:
            self.radius = at_equilibrium(self.game, self.optimizer, 0).radius_transverse
        except NoSpectrumError as reason:
            raise NotImplementedError(str(reason)) from reason

    def time_spectral_radius(self, optimizer: str, game: str) -> None:
        """The whole computation."""
        self.find(self.game, self.optimizer, 0)

    def track_spectral_radius(self, optimizer: str, game: str) -> float:
        """Of a step, without the game's null directions."""
        return self.radius if math.isfinite(self.radius) else math.nan

    track_spectral_radius.unit = "modulus"  # type: ignore[attr-defined] - where asv looks for it
