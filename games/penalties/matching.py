"""Feature matching and historical averaging: Salimans et al. 2016."""

from dataclasses import dataclass

from torch import Tensor

from saddlebench.games.penalties.penalty import Evaluation, Penalty


@dataclass(frozen=True)
class FeatureMatching(Penalty):
    """‖E h(x) − E h(G(z))‖², h the discriminator's last hidden features: paid by the generator."""

    player = 0

    def value(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """As the class says."""
        real, fake = (evaluation.features(x).mean(1) for x in (evaluation.real, evaluation.fake))
        return (real - fake).square().sum(-1)


@dataclass(frozen=True)
class HistoricalAveraging(Penalty):
    """‖θ − θ̄‖², θ̄ the mean of the player's strategies so far: the game carries it in its buffers.

    Attributes:
        pays: the player, 0 or 1.
    """

    pays: int = 0

    @property
    def player(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride] - one class for either player
        """As given."""
        return self.pays

    def value(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """As the class says."""
        mean = evaluation.buffers[2 + self.pays]
        return (evaluation.profile[self.pays] - mean).square().sum(-1)
