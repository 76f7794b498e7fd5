"""What a step of a game needs, before anything large is allocated: one step is traced on the meta device, where tensors have shapes
and no memory.

Every operation's results are followed by the storage they lie in, from its making until its last user lets go of it, through the
forward pass, all derivatives and the optimizer's update. The largest sum is the peak; what is alive between two steps (strategies,
state, buffers, data on the device) is `kept`. An allocator's rounding and a convolution's workspace are not in it, nor is what
bfloat16 saves. Floating-point operations are those of matrix products and convolutions, two for each multiply-add.
"""

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import map_tensors
from saddlebench.games.game import Game
from saddlebench.optimizers.optimizer import Optimizer

META = torch.device("meta")


@dataclass(frozen=True)
class Estimate:
    """Of one step.

    Attributes:
        parameters: numbers of each player.
        kept_bytes: strategies, optimizer's state, game's buffers and data between two steps.
        peak_bytes: the most at any time of a step.
        flops: floating-point operations of a step.
    """

    parameters: tuple[int, ...]
    kept_bytes: int
    peak_bytes: int
    flops: int


def estimate(game: Game, optimizer: Optimizer, runs: int = 1, dtype: torch.dtype = torch.float32) -> Estimate:
    """What one step needs; the second is traced, because the first may be cheaper.

    Args:
        game: the game.
        optimizer: the optimizer.
        runs: that step together.
        dtype: of the profile.
    """
    with Live() as live, torch.device(META):
        seeds = torch.zeros(runs, dtype=torch.int64, device=META)
        w: Any = tuple(x.to(dtype) for x in game.initial(seeds))
        buffers = game.buffers(w, seeds)
        state = optimizer.init(Oracle.at_step(game, seeds, 0, buffers, Counts(len(w)), dtype), w)
        flops, kept = 0, 0
        for step in range(2):
            kept = live.bytes
            live.peak = kept
            with FlopCounterMode(display=False) as counter:
                oracle = Oracle.at_step(game, seeds, step, buffers, Counts(len(w)), dtype)
                moved, state = optimizer.step(oracle, w, state)
                w, state = map_tensors(Tensor.detach, moved), map_tensors(Tensor.detach, state)
                buffers = game.advance(w, oracle.stream.buffers)
                flops = counter.get_total_flops()
            del oracle, moved
        return Estimate(tuple(x.shape[-1] for x in w), kept, live.peak, flops)


class Live(TorchDispatchMode):
    """Counts the bytes of storages that are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self.peak = 0
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The operation, with its results noted."""
        answer = func(*args, **(kwargs or {}))
        for x in args:  # data that were there before
            if isinstance(x, Tensor):
                self._note(x.untyped_storage())
        for x in answer if isinstance(answer, tuple | list) else (answer,):
            if isinstance(x, Tensor):
                self._note(x.untyped_storage())
        return answer

    def _note(self, storage: Any) -> None:
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes()

        def gone(_: Any) -> None:
            self._known.pop(key, None)
            self.bytes -= size

        self._known[key] = weakref.ref(storage, gone)
        self.bytes += size
        self.peak = max(self.peak, self.bytes)
