"""The two time-scale update rule."""

from dataclasses import dataclass

from saddlebench.optimizers.alternating_gradient import AlternatingGradient
from saddlebench.optimizers.optimizer import Composed, GameFacts, Optimizer
from saddlebench.optimizers.rules.adam import Adam
from saddlebench.optimizers.rules.rule import Rule
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.parameters import Positive


@dataclass(frozen=True)
class TwoTimeScale(Composed):
    """w_i⁺ = w_i − η_i d(v_i(w)) with a step size a player, one move each (TTUR): a preset of step sizes, not a method.

    Heusel et al., NIPS 2017. The default pair is SA-GAN's for generator and discriminator (Zhang et al. 2019), who move under
    Adam without momentum. Any method takes a list of step sizes; ``rule="gradient"`` is the plain form.
    """

    name = "two-time-scale"
    paper = "Heusel et al. 2017"
    cost = "1 gradient"

    step_size: Positive = (1e-4, 4e-4)  # η_i, of generator and discriminator
    rule: Rule = Adam((0.0, 0.9))  # what makes a direction of a gradient
    alternating: bool = False  # the players move one after another

    def parts(self) -> Optimizer:
        """The combination."""
        return (AlternatingGradient if self.alternating else SimultaneousGradient)(self.step_size, self.rule)

    def applies_to(self, game: GameFacts) -> str | None:
        """There must be a step size for every player."""
        players = len(game.players)
        if isinstance(self.step_size, tuple) and len(self.step_size) != players:
            return f"{self.name} has {len(self.step_size)} step sizes, one a player, and this game has {players} players"
        return super().applies_to(game)
