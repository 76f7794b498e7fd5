"""Heavy ball, alternating."""

from dataclasses import dataclass

from saddlebench.optimizers.alternating_gradient import AlternatingGradient
from saddlebench.optimizers.optimizer import Composed, Optimizer
from saddlebench.optimizers.rules import momentum
from saddlebench.parameters import Momentum, Positive


@dataclass(frozen=True)
class AlternatingHeavyBall(Composed):
    """x⁺ = x − η_x f_x(x, y) + β_x (x − x₋), then y⁺ = y − η_y g_y(x⁺, y) + β_y (y − y₋).

    Gidel et al., AISTATS 2019: with β = −½ it converges on a bilinear game, which no simultaneous gradient method does.
    """

    name = "alternating-heavy-ball"
    paper = "Polyak 1964; Gidel et al. 2019"
    cost = "1 gradient"

    step_size: Positive = 0.1  # η
    momentum: Momentum = -0.5  # β, of any sign
    schedule: tuple[int, ...] | None = None  # players in the order of their moves

    def parts(self) -> Optimizer:
        """The combination."""
        return AlternatingGradient(self.step_size, momentum.Momentum(self.momentum), self.schedule)
