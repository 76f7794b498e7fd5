"""Every optimizer of the catalogue makes the same steps compiled as eager, to rounding."""

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.compiling import loop as loops
from saddlebench.bench.compiling.loop import UncompilableError, looped
from saddlebench.bench.compiling.tiers import loop_inputs
from saddlebench.bench.compiling.tracing import leaves_of, traced
from saddlebench.bench.contracts.arenas import arenas
from saddlebench.bench.contracts.playing import seeds_of, stepping
from saddlebench.bench.oracle import Counts
from saddlebench.optimizers import OPTIMIZERS

STEPS = (1, 57)  # a turn, a group, single steps


@pytest.mark.slow
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_compiled_steps_are_the_steps(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_COMPILED", str(tmp_path))
    optimizer = build("optimizer", name)
    step, now = stepping(arenas(optimizer)[0], optimizer, seeds_of(3))
    trace = traced(step, now)
    inputs = loop_inputs(trace, now, None, 0)
    if trace.operations > loops._MOST_OPERATIONS:
        with pytest.raises(UncompilableError) as refused:
            looped(trace, inputs, 0)
        pytest.skip(str(refused.value))
    loop = looped(trace, inputs, 0)
    point = eager = now
    for steps in STEPS:
        _, *found = loop(loop_inputs(trace, point, None, steps))
        point = trace.point(point.step + steps, found, point)
    for _ in range(sum(STEPS)):
        eager = step(eager, Counts(len(now.w)))
    for a, b in zip(leaves_of(point), leaves_of(eager), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
