"""Orthogonal regularisation of a network's weights: Brock et al. 2019, section 3.1."""

from dataclasses import dataclass

from torch import Tensor

from saddlebench.games.networks.network import Network
from saddlebench.games.penalties.penalty import Evaluation, Penalty


@dataclass(frozen=True)
class Orthogonality(Penalty):
    """Σ_W ‖WWᵀ ⊙ (1 − I)‖²_F over the weights W ``(outputs, rest)``: inner products of different filters.

    The gradient is that of the formula, 4(WWᵀ ⊙ (1 − I))W; widespread code adds half of it.

    Attributes:
        network: whose weights.
        spared: names of layers that are left out.
    """

    player = 0

    network: Network = None  # pyright: ignore[reportAssignmentType] - a field after ones with defaults; always given
    spared: tuple[str, ...] = ()

    def value(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """As the class says, ``(runs,)``, of the weights before spectral normalisation."""
        weights = self.network.named(evaluation.profile[self.player])
        total = evaluation.profile[self.player].new_zeros(len(evaluation.profile[self.player]))
        for name, weight in weights.items():
            layer, _, part = name.rpartition(".")
            if part == "weight" and layer not in self.spared:
                total = total + off_diagonal(weight.flatten(2))
        return total


def off_diagonal(weight: Tensor) -> Tensor:
    """‖WWᵀ ⊙ (1 − I)‖²_F of matrices ``(runs, rows, columns)``, by the smaller of WWᵀ and WᵀW, which have the same norm."""
    lengths = weight.square().sum(2)
    if weight.shape[1] > weight.shape[2]:  # more rows than can be orthogonal: nothing cancels
        return (weight.mT @ weight).square().sum((1, 2)) - lengths.square().sum(1)
    gram = weight @ weight.mT
    return (gram - gram.diagonal(dim1=1, dim2=2).diag_embed()).square().sum((1, 2))
