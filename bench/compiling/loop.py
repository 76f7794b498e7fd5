"""Steps compiled by Inductor into a loop that does not return to Python before the next record.

The loop is torch's `while_loop` around the step's graph, in C++ from end to end and ahead of time: what is compiled is a file, kept
under ``~/.cache/saddlebench/compiled`` (or ``$SADDLEBENCH_COMPILED``) by a hash of the graph, its sizes, torch and the processor,
and a later process loads it in milliseconds. The steps' number is a tensor, so that one file serves every number of steps.
"""

import hashlib
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from platformdirs import user_cache_dir
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from saddlebench.bench.compiling.cuda_graph import CudaGraphLoop
from saddlebench.bench.compiling.inductor import OPTIONS, compiled
from saddlebench.bench.compiling.tracing import Trace
from saddlebench.bench.compiling.turns import whole

_MOST_OPERATIONS = 1000  # of a step; a CPU needs some 50 ms to compile each, and the compiler's memory grows with them

Loop = Callable[[Sequence[Tensor]], list[Tensor]]


class UncompilableError(RuntimeError):
    """A step cannot be compiled. The message is the reason."""


def looped(trace: Trace, inputs: Sequence[Tensor], sums: int) -> Loop:
    """(number of the first step, of the step after the last, changed tensors, sums, fixed tensors) → (the last number, the rest).

    Args:
        trace: of the step.
        inputs: as the loop will be given them.
        sums: of how many players the iterates are summed: of all, or none.

    Raises:
        UncompilableError: why there is none.
    """
    if trace.operations > _MOST_OPERATIONS:
        raise UncompilableError(
            f"a step of {trace.operations} operations would compile for minutes ({_MOST_OPERATIONS} are the limit)"
        )
    if sums and None in trace.profile:
        raise UncompilableError("a player never moves")
    if inputs[2].device.type == "cuda":
        return CudaGraphLoop(trace, inputs, sums)
    try:
        graph = make_fx(whole(trace, sums), tracing_mode="fake")(*inputs)
        path = _folder() / f"{_key(graph, inputs)}.pt2"
        if (kept := _loaded(path)) is not None:
            return kept
        compiled(graph, inputs, path)
        made = _loaded(path)
        assert made is not None, "it was written a moment ago"
        return made
    except Exception as error:  # whatever Inductor or the C++ compiler cannot do: the traced step is there
        text = " ".join(str(error).split())
        raise UncompilableError(f"the step cannot be compiled: {type(error).__name__}: {text[:200]}") from error


def _key(graph: GraphModule, inputs: Sequence[Tensor]) -> str:
    parts = [module.code for module in graph.modules() if isinstance(module, GraphModule)]
    parts += [str((tuple(x.shape), x.stride(), x.dtype, x.device)) for x in inputs]
    parts += [str(OPTIONS), torch.__version__, platform.machine(), torch.backends.cpu.get_cpu_capability(), _processor()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _processor() -> str:
    """The flags of the processor, for which code is compiled."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())


def _folder() -> Path:
    chosen = os.environ.get("SADDLEBENCH_COMPILED")
    folder = Path(chosen).expanduser() if chosen else Path(user_cache_dir("saddlebench")) / "compiled"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _loaded(path: Path) -> Loop | None:
    """The loop in a file; None: there is none, or it is torn."""
    from torch._inductor import aoti_load_package

    if not path.exists():
        return None
    try:
        runner = aoti_load_package(str(path)).loader
    except Exception:  # whatever the loader makes of it: it can be made anew
        path.unlink(missing_ok=True)
        return None
    return lambda inputs: runner.run(list(inputs))
