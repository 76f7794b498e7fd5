"""Zero-sum games of two numbers whose critical point does not attract everything: limit cycles."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor

from saddlebench.games.draws import uniform
from saddlebench.games.game import Domain, Profile
from saddlebench.games.plane import PlaneGame
from saddlebench.games.starts import point, start_or_normal
from saddlebench.parameters import PositiveScalar, Scalar

_SIDE = 1.5  # Forsaken's box is [−3/2, 3/2]²
_SHIFT = 0.45
Number = TypeVar("Number", float, Tensor)


class Coupled(PlaneGame):
    """v = (y + a(x), −x + b(y)): the bilinear game xy with a force on each player."""

    @abstractmethod
    def forces(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """a(x), b(y)."""

    @abstractmethod
    def stiffness(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """a'(x), b'(y)."""

    def field(self, profile: Profile, sample: Any, buffers: Any) -> Profile | None:
        """(y + a(x), −x + b(y))."""
        x, y = profile
        a, b = self.forces(x, y)
        return y + a, b - x

    def block(self, i: int, j: int, profile: Profile, sample: Any, buffers: Any, u: Tensor, transpose: bool) -> Tensor | None:
        """J = [[a', 1], [−1, b']], all numbers."""
        x, y = profile
        return self.stiffness(x, y)[i] * u if i == j else u if i < j else -u


@dataclass(frozen=True)
class Forsaken(Coupled):
    """f(x, y) = x(y − .45) + φ(x) − φ(y), φ(z) = z²/4 − z⁴/2 + z⁶/6, on the box [−3/2, 3/2]².

    Hsieh, Mertikopoulos, Cevher, ICML 2021; the box and the code: Pethick et al., ICLR 2022. The unique critical point
    (.0780266687, .4119338514) attracts (eigenvalues of J .0447460 ± .9080276i, so simultaneous gradient is locally stable for
    η < .10828), but only from within a repelling cycle, at a distance of .121 to .299; outside it everything is drawn to an
    attracting cycle at .9226 to 1.9172. Simultaneous gradient and extragradient cycle from (1, 0) and converge from (.1, .45). The
    equilibrium is the root of the field, refined by Newton's method in float64.

    The attracting cycle lies inside the box, whose projection clamps each coordinate: only starts near its border meet it. With
    ``box=false`` the players are unconstrained, so that methods without a projection can play; beyond the box φ makes them stiff.
    """

    name = "forsaken"
    paper = "Hsieh et al. 2021; Pethick et al. 2022"
    default_steps = 3000

    box: bool = True  # keep the players in [−3/2, 3/2]; false: unconstrained
    start: tuple[Scalar, Scalar] | None = None  # (x, y) of every run; None: uniform on the box by seed

    @property
    def domain(self) -> tuple[Domain, ...]:
        """The box, or none."""
        return ("box", "box") if self.box else ("unconstrained", "unconstrained")

    def initial(self, seeds: Tensor) -> Profile:
        """Uniform on the box by seed, or the given start."""
        if self.start is not None:
            return point(self.start, self.sizes, seeds)
        return (_SIDE * (2 * uniform(seeds, "initial", 2) - 1)).split(1, -1)

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """x(y − .45) + φ(x) − φ(y)."""
        return x * (y - _SHIFT) + _well(x) - _well(y)

    def forces(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """φ'(x) − .45, φ'(y)."""
        return _slope(x) - _SHIFT, _slope(y)

    def stiffness(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """φ''(x), φ''(y)."""
        return _curvature(x), _curvature(y)

    def project(self, i: int, x: Tensor) -> Tensor:
        """Clamp to the box."""
        return x.clamp(-_SIDE, _SIDE) if self.box else x

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """The critical point."""
        return point(_forsaken_point(), self.sizes, seeds)


@dataclass(frozen=True)
class AlmostBilinear(Coupled):
    """f(x, y) = xy + εφ(y), φ(y) = y²/2 − y⁴/4: bilinear up to a small ε, and yet with a limit cycle.

    After Hsieh, Mertikopoulos, Cevher, ICML 2021. J at the critical point 0 is [[0, 1], [−1, −ε]], with eigenvalues −ε/2 ± i√(1 −
    ε²/4) that repel (−.05 ± .9987i for ε = .1). By averaging, the flow is drawn to a cycle of radius 2/√3 = 1.1547; for ε = .1
    it was measured between 1.143 and 1.168. ``radius`` is ‖w‖. No method that follows the flow converges; one that
    does was drawn in by its adjustment.
    """

    name = "almost-bilinear"
    no_solution = "y, who maximises, sits at a minimum of f at 0"
    paper = "Hsieh et al. 2021"
    default_steps = 3000

    epsilon: PositiveScalar = 0.1  # ε, size of what is not bilinear
    start: tuple[Scalar, Scalar] | None = None  # (x, y) of every run; None: standard normal by seed

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal by seed, or the given start."""
        return start_or_normal(self.start, self.sizes, seeds)

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """xy + εφ(y)."""
        return x * y + self.epsilon * (y**2 / 2 - y**4 / 4)

    def forces(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """0, −εφ'(y)."""
        return torch.zeros_like(x), -self.epsilon * (y - y**3)

    def stiffness(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """0, −εφ''(y)."""
        return torch.zeros_like(x), -self.epsilon * (1 - 3 * y**2)

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """The critical point 0."""
        return point((0.0, 0.0), self.sizes, seeds)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Any) -> dict[str, Tensor]:
        """‖w‖."""
        return {"radius": torch.cat(profile, -1).norm(dim=-1)}


def _well(z: Tensor) -> Tensor:
    return z**2 / 4 - z**4 / 2 + z**6 / 6


@cache
def _forsaken_point() -> tuple[float, float]:
    """The root of (y − .45 + φ'(x), −x + φ'(y)) by Newton's method."""
    x, y = 0.08, 0.41
    for _ in range(20):
        first, second = y - _SHIFT + _slope(x), _slope(y) - x
        a, d = _curvature(x), _curvature(y)  # J = [[φ''(x), 1], [−1, φ''(y)]]
        determinant = a * d + 1
        x, y = x - (d * first - second) / determinant, y - (first + a * second) / determinant
    return x, y


def _slope(z: Number) -> Number:
    return z / 2 - 2 * z**3 + z**5


def _curvature(z: Number) -> Number:
    return 1 / 2 - 6 * z**2 + 5 * z**4
