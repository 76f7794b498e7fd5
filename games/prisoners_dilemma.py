"""The iterated prisoner's dilemma."""

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.game import Game, Profile
from saddlebench.games.starts import start_or_normal
from saddlebench.parameters import Scalar, Vector


@dataclass(frozen=True)
class IteratedPrisonersDilemma(Game):
    """ℓ_i = −Σ_t γᵗ E r_i(s_t), exactly, for players that remember one round: ℓ_i = −pᵀ(I − γP)⁻¹ r_i.

    A player's five logits are its probabilities σ(w) to cooperate in the first round and after the states CC, CD, DC, DD, written
    with the first player's action first for both. p is the distribution of the first state, P the transition matrix. Rewards
    [[−1, −3], [0, −2]] and γ = .96 are those of Letcher et al., ICLR 2019 (SOS), after Foerster et al., AAMAS 2018 (LOLA); they
    start at standard normals and take steps of η = 1 with these losses, which are not normalised.

    Always defecting (a loss a round of 2) and tit for tat (1) are equilibria, but only in the limit of infinite logits: no
    equilibrium is known at a finite point, and runs end as ``completed``. Measures: ``loss_a_round.*`` is (1 − γ)ℓ_i, between 0 and
    3, 1 for mutual cooperation and 2 for mutual defection; ``cooperation.*`` the discounted share of rounds in which the player
    cooperates.
    """

    name = "iterated-prisoners-dilemma"
    paper = "Foerster et al. 2018; Letcher et al. 2019"

    gamma: Annotated[float, Field(ge=0, lt=1)] = 0.96  # γ, the discount
    payoff: tuple[tuple[Scalar, Scalar], tuple[Scalar, Scalar]] = (
        (-1.0, -3.0),
        (0.0, -2.0),
    )  # the first one's: C, D against C, D
    start: Vector | None = None  # both players' five logits; None: standard normal by seed

    def __post_init__(self) -> None:
        if self.start is not None and len(self.start) != sum(self.sizes):
            raise InputError(f"{self.name}: start has {len(self.start)} numbers, and the players have {sum(self.sizes)} logits")

    @property
    def players(self) -> tuple[str, ...]:
        """The two prisoners."""
        return ("first", "second")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Five logits each."""
        return (5, 5)

    @property
    def follower_curvature(self) -> bool:
        """No: the losses are flat where the logits grow without bound, as they do towards every equilibrium."""
        return False

    def initial(self, seeds: Tensor) -> Profile:
        """Standard normal by seed, or the given start."""
        return start_or_normal(self.start, self.sizes, seeds)

    def losses(self, profile: Profile, sample: Any, buffers: Any) -> tuple[Tensor, ...]:
        """(ℓ_1, ℓ_2)."""
        (a, b), (c, d) = self.payoff
        rewards = torch.tensor(((a, a), (b, c), (c, b), (d, d)), dtype=profile[0].dtype, device=profile[0].device)
        totals = self._discounted(profile, rewards)
        return -totals[:, 0], -totals[:, 1]

    def _discounted(self, profile: Profile, rewards: Tensor) -> Tensor:
        """pᵀ(I − γP)⁻¹ r of rewards ``(4, k)``, ``(runs, k)``."""
        x, y = (w.sigmoid() for w in profile)
        states = torch.stack((x * y, x * (1 - y), (1 - x) * y, (1 - x) * (1 - y)), -1)  # (runs, first round and 4, 4)
        system = torch.eye(4, dtype=x.dtype, device=x.device) - self.gamma * states[:, 1:]
        # solve_ex: a run of NaN must not raise for the others
        return (states[:, :1] @ torch.linalg.solve_ex(system, rewards.expand(len(x), -1, -1)).result)[:, 0]

    def measures(self, profile: Profile, seeds: Tensor, buffers: Any) -> dict[str, Tensor]:
        """``loss_a_round`` and ``cooperation`` of both players."""
        scale = 1 - self.gamma
        cooperates = torch.tensor(((1, 1), (1, 0), (0, 1), (0, 0)), dtype=profile[0].dtype, device=profile[0].device)
        share = scale * self._discounted(profile, cooperates)
        losses = self.losses(profile, None, buffers)
        found = {f"loss_a_round.{name}": scale * loss for name, loss in zip(self.players, losses, strict=True)}
        return found | {f"cooperation.{name}": share[:, i] for i, name in enumerate(self.players)}
