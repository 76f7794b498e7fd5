"""SeqGAN over so few sequences that every expectation is a sum: exact losses, and exact derivatives of any order."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import torch
from torch import Tensor
from torch.nn.functional import softplus

from saddlebench.errors import InputError
from saddlebench.games.draws import normal
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.network_game import AnyNetwork, NetworkGame, Networks
from saddlebench.games.networks.recurrent import Recurrent
from saddlebench.games.networks.tables import TabularCritic, TabularPolicy, all_sequences
from saddlebench.games.networks.text_cnn import TextCNN
from saddlebench.parameters import Count, PositiveScalar

_MOST = 10**4  # sequences


class Enumerated(Networks):
    """Both networks on every sequence, ``(runs, V^T)``; the buffer is q."""

    @cached_property
    def log_probabilities(self) -> Tensor:
        """log p(Y)."""
        return self._of("generator").sum(-1)

    @cached_property
    def logits(self) -> Tensor:
        """D(Y)."""
        return self._of("discriminator")

    def _of(self, name: str) -> Tensor:
        flat = self.flat[name]
        return self.game.networks[name](flat, self.game.sequences(flat.device).expand(len(flat), -1, -1))


@dataclass(frozen=True)
class SeqGANTiny(NetworkGame):
    """L_G = −Σ_Y p(Y) σ(D(Y)), L_D = Σ_Y q(Y) sp(−D(Y)) + p(Y) sp(D(Y)), over all V^T sequences Y: SeqGAN without sampling.

    p(Y) = Π_t G(y_t | y_<t), and q is the oracle's, drawn by seed: a generator of the same form with logits, or weights, from
    N(0, 1). The gradient of L_G is what SeqGAN's policy gradient estimates, with as many completions as there can be and a rollout
    policy that is G; here also the Jacobian is whole. Like all games of networks it is in float32 unless asked otherwise.

    ``tables``: a row of logits for every beginning of a sequence, a logit D(Y) for every sequence. Then p = q, D = 0 is an
    equilibrium, alone but for shifts of G's rows, and near it J has the block diag(q)/2 of D and none of G. ``networks``: SeqGAN's
    LSTM and convolutions, whose equilibria are manifolds, so that none is named.

    Measures, exact: ``kl_to_generator`` = KL(q‖p) and ``total_variation`` = ½Σ|p − q|; ``nll_oracle`` = −Σ p log q / T and
    ``nll_test`` = −Σ q log p / T in nats a token.

    Raises:
        InputError: more than 10,000 sequences.
    """

    name = "seqgan-tiny"
    paper = "Yu et al. 2017"
    stochastic = False
    seen = Enumerated

    tokens: Count = 3  # V, of the vocabulary
    length: Count = 3  # T, tokens of a sequence
    form: Literal["tables", "networks"] = "tables"  # of both players
    width: Count = 4  # units, vectors and filters of the networks
    start: PositiveScalar = 0.5  # standard deviation of the first parameters of G, and of D's table

    def __post_init__(self) -> None:
        if self.tokens**self.length > _MOST:
            raise InputError(f"seqgan-tiny: {self.tokens}^{self.length} sequences are more than {_MOST:,}, too many to be listed")

    @classmethod
    def small(cls) -> Self:
        """Four sequences."""
        return cls(2, 2)

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, AnyNetwork]]:
        """G and D."""
        v, t, n = self.tokens, self.length, self.width
        if self.form == "tables":
            generator, discriminator = TabularPolicy(v, t), TabularCritic(v, t)
        else:
            generator, discriminator = Recurrent(v, n, n), TextCNN(v, t, n, (1, 2, 3), n)
        return {"generator": {"generator": generator}, "discriminator": {"discriminator": discriminator}}

    @property
    def seeded(self) -> bool:
        """The oracle is."""
        return True

    @property
    def follower_curvature(self) -> bool:
        """Of tables: a diagonal of positive numbers."""
        return self.form == "tables"

    def sequences(self, device: torch.device) -> Tensor:
        """All of them, int64 ``(V^T, T)``."""
        return all_sequences(self.tokens, self.length, device)

    def oracle(self, seeds: Tensor) -> Tensor:
        """The parameters of the generator that is the truth, ``(runs, size)``."""
        return normal(seeds, "oracle", self.sizes[0])

    def initial(self, seeds: Tensor) -> Profile:
        """From N(0, start²); a convolutional D by torch's scheme."""
        drawn = (normal(seeds, name, size, dtype=torch.float32) for name, size in zip(self.players, self.sizes, strict=True))
        generator, discriminator = (self.start * x for x in drawn)
        network = self.networks["discriminator"]
        return generator, network.initial(seeds, "discriminator", "pytorch") if isinstance(network, TextCNN) else discriminator

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        """q(Y), ``(runs, V^T)``."""
        return (Enumerated(self, (self.oracle(seeds).to(profile[0]), profile[1])).log_probabilities.exp(),)

    def advance(self, profile: Profile, buffers: Buffers) -> Buffers:
        """q stays."""
        return buffers

    def player_loss(self, i: int, seen: Enumerated) -> Tensor:
        """L_G or L_D."""
        p, d = seen.log_probabilities.exp(), seen.logits
        return (seen.buffers[0] * softplus(-d) + p * softplus(d)).sum(-1) if i else -(p * d.sigmoid()).sum(-1)

    def equilibrium(self, seeds: Tensor) -> Profile | None:
        """Of tables: G is the oracle, D is 0."""
        if self.form != "tables":
            return None
        return self.oracle(seeds), torch.zeros(len(seeds), self.sizes[1], dtype=torch.float64, device=seeds.device)

    def null_directions(self, seeds: Tensor) -> Tensor | None:
        """Of tables: the shift of each of G's rows."""
        if self.form != "tables":
            return None
        v, rows = self.tokens, self.sizes[0] // self.tokens
        shifts = torch.zeros(rows, sum(self.sizes), dtype=torch.float64, device=seeds.device)
        for k in range(rows):
            shifts[k, k * v : (k + 1) * v] = v**-0.5
        return shifts.expand(len(seeds), -1, -1)

    def clouds(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, dict[str, Tensor]]:
        """A point a sequence Y: across the oracle's q(Y), upwards p(Y), at the start and now; on the line the two are equal."""
        with torch.no_grad():
            q = buffers[0].to(profile[0])
            start, now = (Enumerated(self, w).log_probabilities.exp() for w in (self.initial(seeds), profile))
            line = torch.linspace(0, 1, 500, dtype=q.dtype, device=q.device) * q.amax(-1, keepdim=True)
        return {
            "probabilities": {
                "p = q": torch.stack((line, line), -1),
                "p at the start": torch.stack((q, start.to(q)), -1),
                "p": torch.stack((q, now), -1),
            }
        }

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """As the class defines them."""
        with torch.no_grad():
            q, log_p = buffers[0].to(profile[0]), Enumerated(self, profile).log_probabilities
            p, log_q = log_p.exp(), q.log()
            return {
                "kl_to_generator": (q * (log_q - log_p)).sum(-1),
                "total_variation": (p - q).abs().sum(-1) / 2,
                "nll_oracle": -(p * log_q).sum(-1) / self.length,
                "nll_test": -(q * log_p).sum(-1) / self.length,
            }
