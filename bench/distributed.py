"""One game on many processes: each evaluates its share of every sample, and every answer of the oracle is their mean.

Rank r of R takes the r-th of R consecutive parts of the sample; draws have no state, so all ranks draw the sample that one process
would. The losses are means over the sample, and the field, gradients and products with the Jacobian are linear in them: the mean
of the ranks' answers, one all-reduce of their flat tensors, is the whole sample's answer. All ranks then take the same step. Batch
norm takes the moments of the whole batch where the game says so (``cross_replica``), else those of the rank's own part. Methods
that differentiate through answers (unrolling) are not linear in them, and refused.

Started by ``torchrun --nproc-per-node R -m saddlebench run …``: gloo on CPUs, NCCL on GPUs, one GPU a process. Rank 0 alone
measures, writes and prints, but images that are judged by their features are generated and looked at by all.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from saddlebench.bench.oracle import Oracle
from saddlebench.bench.point import Point
from saddlebench.errors import InputError
from saddlebench.games.game import Game, Profile
from saddlebench.games.networks.replicas import across

_PATIENCE = timedelta(hours=2)  # others wait while rank 0 measures


class UndividedError(Exception):
    """What was asked cannot be divided among processes; the text says why."""


class LostRankError(Exception):
    """Another process is gone, or this one failed."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that share a game.

    Attributes:
        rank: its number; 0 measures and writes.
        world: how many there are.
        host: the group whose collectives take tensors of the computer's memory; None: the default one.
    """

    rank: int
    world: int
    host: Any = None

    @property
    def first(self) -> bool:
        """Does this one measure and write?"""
        return self.rank == 0

    def share(self, game: Game, sample: Any) -> Any:
        """This rank's part of a sample.

        Raises:
            UndividedError: it has no parts.
            InputError: its size is no multiple of the number of processes.
        """
        parts = game.parts(sample, self.world)
        if parts is None:
            raise UndividedError("its sample cannot be divided among processes")
        return parts[self.rank]

    def mean(self, answers: Sequence[Tensor]) -> Profile:
        """The mean over ranks, of several tensors ``(runs, n)`` or ``(runs,)`` by one all-reduce."""
        flat = torch.cat([x.detach().reshape(-1) for x in answers])
        with _lost():
            dist.all_reduce(flat)
        parts = flat.div_(self.world).split([x.numel() for x in answers])
        return tuple(p.view_as(x) for p, x in zip(parts, answers, strict=True))

    def rows(self, n: int) -> tuple[int, int]:
        """The first of this rank's rows of n, and the one after its last."""
        size = -(-n // self.world)
        return min(self.rank * size, n), min((self.rank + 1) * size, n)

    def gathered(self, own: Tensor, n: int) -> Tensor:
        """All ranks' `rows` as one tensor of n, on the CPU, on every rank."""
        size = -(-n // self.world)
        padded = own.new_zeros((size, *own.shape[1:]), device="cpu")
        padded[: len(own)] = own.cpu()
        parts = [torch.empty_like(padded) for _ in range(self.world)]
        with _lost():
            dist.all_gather(parts, padded, group=self.host)
        return torch.cat(parts)[:n]

    def told(self, value: Any) -> Any:
        """Rank 0's value, on every rank: a plan, a decision, a checkpoint; it goes from process to process, not through a file."""
        box = [value]
        with _lost():
            dist.broadcast_object_list(box, src=0)
        return box[0]


@contextmanager
def _lost() -> Iterator[None]:
    """A collective operation that fails because another process is gone says so."""
    try:
        yield
    except RuntimeError as error:
        raise LostRankError(f"another process of this run is gone ({str(error).splitlines()[0]})") from error


def joined() -> Ranks | None:
    """This process among those that torchrun started; None: it is alone."""
    if not dist.is_torchelastic_launched() or int(os.environ["WORLD_SIZE"]) < 2:
        return None
    if not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    host = None if dist.get_backend() == "gloo" else dist.new_group(timeout=_PATIENCE, backend="gloo")
    return Ranks(dist.get_rank(), dist.get_world_size(), host)


def local_device(name: str) -> str:
    """The device of this rank: on ``auto`` and ``cuda`` a GPU of its own.

    Raises:
        InputError: fewer GPUs than processes on this machine.
    """
    if name == "cpu" or not torch.cuda.is_available():
        return "cpu" if name == "auto" else name
    own = int(os.environ["LOCAL_RANK"])
    if own >= torch.cuda.device_count():
        raise InputError(f"process {own} of this machine has no GPU: there are {torch.cuda.device_count()}")
    torch.cuda.set_device(own)
    return f"cuda:{own}"


@dataclass(frozen=True)
class SharedOracle(Oracle):
    """An oracle of the whole sample, of which this rank evaluates its share."""

    ranks: Ranks | None = None

    @classmethod
    def of(cls, oracle: Oracle, ranks: Ranks) -> "SharedOracle":
        """The same step's oracle, shared."""
        return cls(oracle.game, oracle.seeds, oracle.step, oracle.counts, oracle.stream, oracle.buffers, ranks=ranks)

    @property
    def _ranks(self) -> Ranks:
        assert self.ranks is not None, "made by SharedOracle.of"
        return self.ranks

    @property
    def sample(self) -> Any:
        """This rank's part of the sample."""
        if not self.game.stochastic:
            raise UndividedError("the game draws no sample that could be divided among processes")
        known = self.stream.samples
        if self.draw not in known:
            known[self.draw] = self._ranks.share(self.game, super().sample)
        return known[self.draw]

    def together(self) -> AbstractContextManager[None]:
        """Evaluation in which statistics of a batch span all ranks, where the game wants it."""
        return across(self._ranks.world if self.game.cross_replica else 1)

    def field(self, w: Profile) -> Profile:
        """v(w) of the whole sample."""
        if self.adjust is not None:
            return super().field(w)  # made of means
        with self.together():
            own = super().field(w)
        return self._ranks.mean(own)

    def gradient(self, i: int, w: Profile) -> Tensor:
        """∂loss_i/∂w_i of the whole sample."""
        if self.adjust is not None:
            return super().gradient(i, w)
        with self.together():
            own = super().gradient(i, w)
        return self._ranks.mean([own])[0]

    def losses(self, w: Profile) -> tuple[Tensor, ...]:
        """The losses of the whole sample."""
        with self.together():
            own = super().losses(w)
        return self._ranks.mean(own)

    def at(self, w: Profile) -> "SharedPoint":
        """The whole sample's game linearised at w."""
        return SharedPoint(self, w)

    def through(self, i: int, move: Callable[[Any, Profile], Profile], w: Profile) -> Tensor:
        """Refused: a derivative through a mean of answers is not the mean of derivatives.

        Raises:
            UndividedError: always.
        """
        raise UndividedError("the method differentiates through the oracle's answers, which processes cannot share")


class SharedPoint(Point):
    """The whole sample's game linearised at a profile: every answer is the mean of the ranks' own."""

    def __init__(self, oracle: SharedOracle, w: Profile) -> None:
        self._together, self._mean = oracle.together, oracle._ranks.mean
        with self._together():
            super().__init__(oracle, w)
        self.v = self._mean(self.v)

    def partial(self, i: int, j: int) -> Tensor:
        """∂loss_i/∂w_j."""
        if i == j:
            return self.v[i]
        with self._together():
            own = super().partial(i, j)
        return self._mean([own])[0]

    def vjp(self, u: Sequence[Tensor | None], rows: Sequence[int] | None = None) -> Profile:
        """Jᵀu."""
        with self._together():
            own = super().vjp(u, rows)
        return self._mean(own)

    def jvp(self, u: Sequence[Tensor | None], rows: Sequence[int] | None = None, off: bool = False) -> Profile:
        """Ju."""
        with self._together():
            own = super().jvp(u, rows, off)
        return self._mean(own)

    def block(self, i: int, j: int, u: Tensor, transpose: bool = False) -> Tensor:
        """J_ij u, or J_ijᵀ u."""
        with self._together():
            own = super().block(i, j, u, transpose)
        return self._mean([own])[0]
