"""Inductor, ahead of time: a graph to a file, with what small steps need of it."""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from torch import Tensor
from torch.fx import GraphModule

OPTIONS: dict[str, Any] = {
    "aot_inductor.package": True,
    "compile_threads": 1,
    "cpp.enable_floating_point_contract_flag": "fast",  # a·b + c is one operation, rounded once, as in XLA
    "realize_opcount_threshold": 8,  # above it a value is made once; below, by everything that uses it, and by what uses that
    "inplace_buffers": False,  # a buffer that lives in registers alone is not to be allocated for the sake of its successor
}


@contextmanager
def _for_small_steps() -> Iterator[None]:
    """Two things that Inductor has no options for.

    Kernels are not gathered in one function, so that equal ones are written, and compiled, once. And buffers that were fused away
    inside a loop's body are known to the graph around it, which else allocates them at every turn. Where torch has changed what is
    replaced here, it stays as it is: what is compiled computes the same, slower.
    """
    from torch._inductor.codegen.cpp import CppScheduling
    from torch._inductor.graph import GraphLowering

    if not hasattr(CppScheduling, "MAX_FUSED_KERNEL_ARGS_NUM") or not hasattr(GraphLowering, "codegen_subgraph"):
        yield
        return
    inner = GraphLowering.codegen_subgraph

    def codegen_subgraph(self: Any, parent_graph: Any) -> None:
        inner(self, parent_graph)
        parent_graph.removed_buffers |= self.removed_buffers

    with (
        patch.object(CppScheduling, "MAX_FUSED_KERNEL_ARGS_NUM", 0),
        patch.object(GraphLowering, "codegen_subgraph", codegen_subgraph),
    ):
        yield


def compiled(graph: GraphModule, inputs: Sequence[Tensor], path: Path) -> None:
    """Write the compiled graph, whole or not at all; two processes that compile the same write the same."""
    from torch._inductor import aot_compile
    from torch._inductor.package.package import package_aoti

    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # it tells of GPUs that nobody asked for
    with warnings.catch_warnings(), _for_small_steps():
        warnings.simplefilter("ignore")  # what torch says of its own
        files: Any = aot_compile(graph, tuple(inputs), options=OPTIONS)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        made = Path(scratch) / path.name
        package_aoti(str(made), files)
        made.replace(path)
