"""Toy functions of the literature on local minimax points: where the ridge is, and who follows it."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from saddlebench.games.game import Profile
from saddlebench.games.plane import PlaneGame
from saddlebench.games.starts import point, start_or_normal
from saddlebench.parameters import Scalar


@dataclass(frozen=True)
class Ridge(PlaneGame):
    """min_x max_y f(x, y) of one of four functions, whose Hessian H and Schur complement C = f_xx − f_xy²/f_yy tell what 0 is.

    A local minimax point has f_yy < 0 and C > 0; it need not be a local Nash equilibrium, which also asks f_xx > 0. Wang, Zhang,
    Ba, ICLR 2020, with η = .05 (FR: follow-the-ridge, whose eigenvalues are 1 − ηC and 1 + ηf_yy; SG: simultaneous gradient):

    ``f1`` −3x² − y² + 4xy: H = [[−6, 4], [4, −2]], C = 2, local minimax: FR has radius .9, SG diverges.
    ``f2`` 3x² + y² + 4xy: H = [[6, 4], [4, 2]], y sits at a minimum: no local minimax point. FR leaves (1.1), SG converges (.9).
    ``f3`` (.4x² − .1(y − 3x + .05x³)² − .01y⁴) e^{−.01(x² + y²)}: H = [[−1, .6], [.6, −.2]] at 0 up to a term of fourth order, C =
    .8, local minimax: FR .99, SG 1.02.
    ``sine`` (x² + 1)(2 + sin y): local minimax (and Nash) at (0, π/2), f_xx = 6, f_yy = −1. Zhang, Wu, Poupart, Yu 2020 start at
    (1, π/2 + .01).

    The known point is the equilibrium of the verdict for all four: with f2, ``converged`` means that a method was deceived, and the
    run's reason says so.
    """

    name = "ridge"
    paper = "Wang et al. 2020; Zhang et al. 2020"

    function: Literal["f1", "f2", "f3", "sine"] = "f1"  # which function
    start: tuple[Scalar, Scalar] | None = None  # (x, y) of every run; None: the known point plus standard normals by seed

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """f by name."""
        if self.function == "f1":
            return -3 * x**2 - y**2 + 4 * x * y
        if self.function == "f2":
            return 3 * x**2 + y**2 + 4 * x * y
        if self.function == "f3":
            bent = y - 3 * x + 0.05 * x**3
            return (0.4 * x**2 - 0.1 * bent**2 - 0.01 * y**4) * torch.exp(-0.01 * (x**2 + y**2))
        return (x**2 + 1) * (2 + torch.sin(y))

    @property
    def no_solution(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - depends on the parameters here
        """Of f2."""
        return "y, who maximises, sits at a minimum of f2" if self.function == "f2" else ""

    @property
    def _known(self) -> tuple[float, float]:
        return (0.0, math.pi / 2) if self.function == "sine" else (0.0, 0.0)

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normals around the known point by seed, or the given start."""
        drawn = start_or_normal(self.start, self.sizes, seeds)
        return drawn if self.start is not None else tuple(x + c for x, c in zip(drawn, self._known, strict=True))

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """The known point."""
        return point(self._known, self.sizes, seeds)
