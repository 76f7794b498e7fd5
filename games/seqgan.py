"""SeqGAN: a GAN of discrete sequences by policy gradient, judged by the distribution that the data come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, Self

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.draws import uniform
from saddlebench.games.game import Buffers, Profile
from saddlebench.games.losses import adversarial_loss, policy_gradient
from saddlebench.games.network_game import AnyNetwork, NetworkGame, Networks
from saddlebench.games.networks.recurrent import Recurrent
from saddlebench.games.networks.text_cnn import TextCNN
from saddlebench.games.shuffling import batch_of_epoch
from saddlebench.parameters import Count, Natural, PositiveScalar, Share

_EVALUATED = 1000  # sequences behind each measure and picture
_SHOWN = 50  # tokens in a picture, the most frequent ones
_SIDE = 150  # pixels, about, of a picture's square


class Sequences(NamedTuple):
    """A sample.

    Attributes:
        real: sequences of the data, int64 ``(runs, batch, T)``.
        uniforms: what G's sequences are drawn with, ``(runs, batch, T)``.
        rollouts: what their completions are drawn with, ``(runs, (T − 1)·N·batch, T)``; empty while G learns by likelihood.
        adversarial: does G play against D in this step?
    """

    real: Tensor
    uniforms: Tensor
    rollouts: Tensor
    adversarial: bool


class Drawn(Networks):
    """Both networks, with what G draws for a sample; no derivative goes through a draw."""

    @cached_property
    def sequences(self) -> Tensor:
        """G's, int64 ``(runs, batch, T)``."""
        return self.game.lstm.generate(self.flat["generator"], self.sample.uniforms)

    def log_probabilities(self, y: Tensor) -> Tensor:
        """log G(y_t | y_<t), of the shape of y."""
        return self.game.lstm(self.flat["generator"], y)

    def judged(self, y: Tensor) -> Tensor:
        """D's logits ``(runs, batch)``."""
        return self.game.networks["discriminator"](self.flat["discriminator"], y)

    @property
    def values(self) -> Tensor:
        """Q of every token of the sequences, of their shape: the prefixes y_1 … y_t, t < T, are completed N times each."""
        drawn, uniforms = self.sequences, self.sample.rollouts
        batch, length = drawn.shape[1:]
        final = self.judged(drawn).sigmoid().unsqueeze(1)
        if length == 1:
            return final.mT
        copies = drawn.repeat(1, uniforms.shape[1] // batch, 1)
        given = torch.arange(1, length, device=drawn.device).repeat_interleave(uniforms.shape[1] // (length - 1))  # t
        whole = self.game.lstm.generate(self.buffers[0], uniforms, lambda t: (given > t, copies[..., t]))
        rewards = self.judged(whole).sigmoid().unflatten(1, (length - 1, -1, batch)).mean(2)
        return torch.cat((rewards, final), 1).mT


@lru_cache(maxsize=4)
def oracle_data(oracle: Recurrent, seed: int, length: int, items: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The oracle's parameters ``(1, size)`` from N(0, 1), and ``items`` sequences that it draws, int64 ``(items, T)``."""
    seeds = torch.tensor([seed], device=device)
    flat = oracle.normal(seeds, "oracle", 1.0)
    uniforms = uniform(seeds, "oracle data", items * length, dtype=torch.float32).view(1, items, length)
    return flat, oracle.generate(flat, uniforms)[0]


@dataclass(frozen=True)
class SeqGAN(NetworkGame):
    """G draws sequences Y = y_1 … y_T, L_D = E sp(−D(Y_data)) + E sp(D(Y_G)), and L_G = −E Σ_t log G(y_t | y_<t) Q(y_1 … y_t).

    Q, the value of a token, is the mean of the rewards σ(D(·)) of N completions of the sequence after it; of the last token it is
    σ(D(Y)) itself. Completions are drawn by the rollout policy, a copy of G that follows it: β ← r β + (1 − r) θ after each move.
    The gradient of L_G in G is the REINFORCE estimate, sequences and values held fixed; that of the values in D is whole. A
    Jacobian lacks how G's moves change what is drawn: ``seqgan-tiny`` is the game that has it, by enumeration.

    Data are sequences that a fixed LSTM with weights from N(0, 1) drew, the oracle, so that the truth is known. For the first
    ``pretraining`` steps L_G is the negative log-likelihood −E Σ_t log G(y_t | y_<t) of the data, while D already learns to tell
    them from G's; a game whose pretraining never ends is maximum likelihood, the control. In the paper D waits until G has
    learnt. The paper's sizes are tokens=5000, length=20, rollouts=16, hidden=embedding=32; filters there are 100 to 200 a window.

    Measures, in nats a token over 1,000 sequences: ``nll_oracle``, −log of the oracle's probability of G's sequences, which falls
    below the oracle's own entropy where G keeps to likely sequences only; ``nll_test``, −log of G's probability of unseen data,
    which tells that; ``reward``, the mean of σ(D) over G's sequences.

    Raises:
        InputError: a batch larger than the data.
    """

    name = "seqgan"
    paper = "Yu et al. 2017"
    default_steps = 3000
    seen = Drawn
    initialisation = "pytorch"  # of D

    tokens: Count = 50  # V, of the vocabulary
    length: Count = 10  # T, tokens of a sequence
    embedding: Count = 32  # size of a token's vector, in every network
    hidden: Count = 32  # units of the LSTMs, G's and the oracle's
    filters: Count = 16  # of each of D's windows
    windows: tuple[Count, ...] = (1, 2, 3, 4, 5, 10)  # of D, in tokens
    batch: Count = 64  # sequences
    rollouts: Count = 16  # N, completions a prefix
    rollout_rate: Share = 0.8  # r, what the rollout policy keeps of itself at a move; 0: it is G
    pretraining: Natural = 2000  # steps in which G learns by likelihood
    items: Count = 10000  # sequences of the data
    oracle: Natural = 0  # the oracle's seed, the same for every run
    start: PositiveScalar = 0.1  # standard deviation of G's first weights

    def __post_init__(self) -> None:
        if self.batch > self.items:
            raise InputError(f"seqgan: a batch of {self.batch} is larger than the data of {self.items} sequences")

    @classmethod
    def small(cls) -> Self:
        """Four tokens, sequences of three, two completions."""
        return cls(4, 3, 3, 3, 2, (1, 2), 4, 2, pretraining=0, items=64, start=0.5)

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, AnyNetwork]]:
        """G, whose shape is the oracle's too, and D."""
        discriminator = TextCNN(self.tokens, self.length, self.embedding, self.windows, self.filters)
        return {"generator": {"generator": self.lstm}, "discriminator": {"discriminator": discriminator}}

    @cached_property
    def lstm(self) -> Recurrent:
        """The form of the generator, of the rollout policy and of the oracle."""
        return Recurrent(self.tokens, self.embedding, self.hidden)

    def initial(self, seeds: Tensor) -> Profile:
        """G from N(0, start²), D by torch's scheme."""
        return self.lstm.normal(seeds, "generator", self.start), super().initial(seeds)[1]

    def buffers(self, profile: Profile, seeds: Tensor) -> Buffers:
        """The rollout policy, which begins as G."""
        return (profile[0].detach().clone(),)

    def advance(self, profile: Profile, buffers: Buffers) -> Buffers:
        """β ← r β + (1 − r) θ."""
        return (buffers[0].lerp(profile[0].detach(), 1 - self.rollout_rate),)

    def data(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """The oracle's parameters ``(1, size)``, training sequences ``(items, T)``, and as many unseen ones as are evaluated."""
        flat, sequences = oracle_data(self.lstm, self.oracle, self.length, self.items + _EVALUATED, device)
        return flat, sequences[: self.items], sequences[self.items :]

    def sample(self, seeds: Tensor, step: int, draw: int) -> Sequences:
        """Sequences of the data, each once an epoch, and the numbers that G's and their completions are drawn with."""
        adversarial, count = step >= self.pretraining, self.batch * self.length
        completions = (self.length - 1) * self.rollouts * self.batch if adversarial else 0
        real = self.data(seeds.device)[1][batch_of_epoch(seeds, step, draw, self.batch, self.items)]
        numbers = uniform(seeds, "tokens", count + completions * self.length, step, draw, torch.float32)
        own, rest = numbers[:, :count], numbers[:, count:]
        return Sequences(real, own.view(-1, self.batch, self.length), rest.view(len(seeds), completions, self.length), adversarial)

    def player_loss(self, i: int, seen: Drawn) -> Tensor:
        """L_G by policy gradient or by likelihood, or L_D. D's needs no completions, G's likelihood no sequences of its own."""
        if i:
            return adversarial_loss("non-saturating").discriminator(seen.judged(seen.sample.real), seen.judged(seen.sequences))
        if not seen.sample.adversarial:
            return -seen.log_probabilities(seen.sample.real).sum(-1).mean(-1)
        return policy_gradient(seen.log_probabilities(seen.sequences), seen.values)

    def measures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """``nll_oracle``, ``nll_test`` and ``reward``, as the class defines them."""
        with torch.no_grad():
            seen = Drawn(self, profile)
            oracle, _, unseen = self.data(seeds.device)
            runs, drawn = len(seeds), self._evaluated(profile, seeds)
            finite = profile[0].isfinite().all(-1)
            found = {
                "nll_oracle": -self.lstm(oracle.to(profile[0]).expand(runs, -1), drawn).mean((1, 2)),
                "nll_test": -seen.log_probabilities(unseen.expand(runs, -1, -1)).mean((1, 2)),
                "reward": seen.judged(drawn).sigmoid().mean(-1),
            }
            return {name: torch.where(finite, value, torch.nan) for name, value in found.items()}

    def pictures(self, profile: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        """How often a token (row) is followed by another (column), the most frequent tokens first: unseen data, and G's sequences.

        Grey is √(frequency · V² / 20), so that white is twenty times what it would be if all pairs were alike.
        """
        with torch.no_grad():
            _, data, unseen = self.data(seeds.device)
            rank = torch.bincount(data.flatten(), minlength=self.tokens).argsort(descending=True, stable=True).argsort()
            both = torch.stack((unseen.expand(len(seeds), -1, -1), self._evaluated(profile, seeds)), 1)  # (runs, 2, n, T)
            grey = (frequencies(rank[both], self.tokens) * self.tokens**2 / 20).sqrt().clamp(max=1) * 2 - 1
            grey[~profile[0].isfinite().all(-1), 1] = torch.nan
            shown, scale = grey[..., :_SHOWN, :_SHOWN], max(1, _SIDE // min(self.tokens, _SHOWN))
            return {"transitions": shown.repeat_interleave(scale, -1).repeat_interleave(scale, -2).unsqueeze(1)}

    def _evaluated(self, profile: Profile, seeds: Tensor) -> Tensor:
        """Sequences of G from numbers fixed by seed, int64 ``(runs, n, T)``."""
        uniforms = uniform(seeds, "evaluation tokens", _EVALUATED * self.length, dtype=torch.float32)
        return self.lstm.generate(profile[0], uniforms.view(len(seeds), _EVALUATED, self.length))


def frequencies(y: Tensor, tokens: int) -> Tensor:
    """Shares of the pairs (y_t, y_t+1) among all pairs of neighbours, ``(…, n, T)`` → ``(…, V, V)``; zeros where T = 1."""
    pairs = (y[..., :-1] * tokens + y[..., 1:]).flatten(-2)
    counts = torch.zeros(*pairs.shape[:-1], tokens**2, device=y.device).scatter_add_(
        -1, pairs, torch.ones_like(pairs, dtype=torch.float32)
    )
    return (counts / max(1, pairs.shape[-1])).unflatten(-1, (tokens, tokens))
