"""Steps compiled by Inductor into a loop that does not return to Python before the next record.

The loop is torch's `while_loop` around the step's graph, in C++ from end to end and ahead of time: what is compiled is a file, kept
under ``~/.cache/saddlebench/compiled`` (or ``$SADDLEBENCH_COMPILED``) by a hash of the graph, its sizes, torch and the processor,
and a later process loads it in milliseconds. The steps' number is a tensor, so that one file serves every number of steps. Several
small steps stand in one turn of the loop, whose own cost is that of a small step; a second loop makes those that are left.
"""

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_dir
from torch import Tensor
from torch._higher_order_ops.while_loop import while_loop_op
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from saddlebench.bench.compiling.cuda_graph import CudaGraphLoop
from saddlebench.bench.compiling.tracing import Trace

_MOST_OPERATIONS = 1000  # of a step; a CPU needs some 50 ms to compile each, and the compiler's memory grows with them
_TURN = 160  # operations of one turn of the loop
_UNROLLED = 10  # steps of a turn, at most; watched points are multiples of ten steps apart

Loop = Callable[[Sequence[Tensor]], list[Tensor]]


class UncompilableError(RuntimeError):
    """A step cannot be compiled. The message is the reason."""


def unrolled(operations: int) -> int:
    """How many steps of so many operations stand in one turn."""
    return max(1, min(_UNROLLED, _TURN // max(operations, 1)))


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
        graph = make_fx(_whole(trace, sums), tracing_mode="fake")(*inputs)
        path = _folder() / f"{_key(graph, inputs)}.pt2"
        if (kept := _loaded(path)) is not None:
            return kept
        _compile(graph, inputs, path)
        made = _loaded(path)
        assert made is not None, "it was written a moment ago"
        return made
    except Exception as error:  # whatever Inductor or the C++ compiler cannot do: the traced step is there
        text = " ".join(str(error).split())
        raise UncompilableError(f"the step cannot be compiled: {type(error).__name__}: {text[:200]}") from error


def _whole(trace: Trace, sums: int) -> Callable[..., tuple[Tensor, ...]]:
    carried = len(trace.changed) + sums

    def turn(steps: int) -> Callable[..., tuple[Tensor, ...]]:
        def body(number: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
            tensors, total, fixed = list(rest[: len(trace.changed)]), list(rest[len(trace.changed) : carried]), rest[carried + 1 :]
            for _ in range(steps):
                tensors = trace.module(number, *tensors, *fixed)
                total = [s + tensors[k] for s, k in zip(total, trace.profile, strict=False) if k is not None]
                number = number + 1
            # what goes round must keep its strides, and be nobody else's memory
            return number, *(x.clone(memory_format=torch.contiguous_format) for x in (*tensors, *total))

        return body

    def whole(number: Tensor, end: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        going: Any = (number, *rest[:carried])
        fixed = (end, *rest[carried:])
        for steps in dict.fromkeys((unrolled(trace.operations), 1)):
            more = lambda number, *rest, steps=steps: number + (steps - 1) < rest[carried]  # noqa: E731 - its twin is a function
            going = while_loop_op(more, turn(steps), going, fixed)
        return going

    return whole


def _key(graph: GraphModule, inputs: Sequence[Tensor]) -> str:
    parts = [module.code for module in graph.modules() if isinstance(module, GraphModule)]
    parts += [str((tuple(x.shape), x.stride(), x.dtype, x.device)) for x in inputs]
    parts += [torch.__version__, platform.machine(), torch.backends.cpu.get_cpu_capability(), _processor()]
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


def _compile(graph: GraphModule, inputs: Sequence[Tensor], path: Path) -> None:
    """Write the compiled loop, whole or not at all; two processes that compile the same write the same."""
    from torch._inductor import aot_compile
    from torch._inductor.package.package import package_aoti

    options: dict[str, Any] = {"aot_inductor.package": True, "compile_threads": 1}
    files: Any = aot_compile(graph, tuple(inputs), options=options)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        made = Path(scratch) / path.name
        package_aoti(str(made), files)
        made.replace(path)


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
