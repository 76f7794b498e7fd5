"""Steps captured in a CUDA graph: a step costs one launch, and nothing is waited for before the next record.

A loop on the device would have to ask the host at every turn whether to go on; a graph is replayed as often as the host says.
Inductor fuses the step's operations before they are captured.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from saddlebench.bench.compiling.tracing import Trace

_WARM_UP = 3  # steps on a side stream before the capture, as torch asks for


class CudaGraphLoop:
    """As `saddlebench.bench.compiling.loop.looped` has it.

    Args:
        trace: of the step.
        inputs: as the loop will be given them.
        sums: of how many players the iterates are summed: of all, or none.
        fused: compile the step by Inductor first.
    """

    def __init__(self, trace: Trace, inputs: Sequence[Tensor], sums: int, fused: bool = True) -> None:
        self.carried = len(trace.changed) + sums
        self.held = [
            inputs[0].to(inputs[2].device, copy=True),
            *(x.clone() for x in inputs[2 : 2 + self.carried]),
        ]  # the graph's own memory
        self.fixed = [x.clone() for x in inputs[2 + self.carried :]]
        profile = [k for k in trace.profile if k is not None]
        step = torch.compile(trace.module, fullgraph=True, dynamic=False) if fused else trace.module

        def one() -> None:
            number, tensors, total = self.held[0], self.held[1 : 1 + len(trace.changed)], self.held[1 + len(trace.changed) :]
            after = step(number, *tensors, *self.fixed)
            for s, k in zip(total, profile, strict=False):
                s.add_(after[k])
            for x, y in zip(tensors, after, strict=True):
                x.copy_(y)
            number.add_(1)

        with torch.no_grad():
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(_WARM_UP):
                    one()
            torch.cuda.current_stream().wait_stream(aside)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                one()

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The tensors some steps later; how many is told on the host, so nothing is waited for."""
        begin, end = inputs[:2]
        for held, given in zip(self.held, [begin, *inputs[2 : 2 + self.carried]], strict=True):
            held.copy_(given)
        for _ in range(int(end) - int(begin)):
            self.graph.replay()
        return [x.clone() for x in self.held]
