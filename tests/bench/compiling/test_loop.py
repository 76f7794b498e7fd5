"""Compiled loops: the same numbers to rounding, kept as files, and what cannot be compiled says why."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

import saddlebench
from saddlebench.bench.build import build
from saddlebench.bench.compiling import loop as loops
from saddlebench.bench.compiling.loop import UncompilableError, looped
from saddlebench.bench.compiling.tiers import loop_inputs
from saddlebench.bench.compiling.tracing import leaves_of, traced
from saddlebench.bench.compiling.turns import group, turn
from saddlebench.bench.contracts.arenas import Arena, TinyGAN
from saddlebench.bench.contracts.playing import seeds_of, stepping
from saddlebench.bench.oracle import Counts


@pytest.mark.parametrize(
    ("operations", "numbers", "fused", "steps"),
    [
        (0, 0, 5, 50),
        (4, 4000, 5, 50),
        (16, 16_000, 5, 50),
        (22, 22_000, 5, 20),
        (50, 50_000, 2, 10),
        (100, 10_000, 1, 1),
        (500, 50_000, 1, 1),
        (8, 200_000, 5, 5),
    ],
)
def test_small_steps_share_a_group_and_groups_a_turn(operations, numbers, fused, steps):
    step = SimpleNamespace(operations=operations, numbers=numbers)
    assert (group(step), turn(step)) == (fused, steps)


def test_too_large_a_step_is_refused(monkeypatch):
    monkeypatch.setattr(loops, "_MOST_OPERATIONS", 3)
    step, now = stepping(build("game", "bilinear"), build("optimizer", "adam"), seeds_of(3))
    trace = traced(step, now)
    with pytest.raises(UncompilableError, match="would compile for minutes"):
        looped(trace, loop_inputs(trace, now, None, 0), 0)


@pytest.mark.parametrize("method", ["adam", "competitive-gradient"])
def test_a_loop_is_given_no_memory_twice(method):
    """torch's `while_loop` refuses inputs that alias; Adam begins with one tensor of zeros as two moments."""
    step, now = stepping(build("game", {"bilinear": {"matrix": [[1.0, 2.0], [0.0, 1.0]]}}), build("optimizer", method), seeds_of(3))
    inputs = loop_inputs(traced(step, now), now, None, 0)
    assert len({x.untyped_storage().data_ptr() for x in inputs}) == len(inputs)


def test_without_a_compiler_the_steps_are_traced_and_the_reason_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("SADDLEBENCH_COMPILED", str(tmp_path))

    def nothing(*_):
        raise RuntimeError("no working C++ compiler found")

    monkeypatch.setattr(loops, "compiled", nothing)
    runs = saddlebench.run("bilinear", "extragradient", seeds=2, steps=20, compile="on").runs
    assert set(runs["tier"]) == {"traced"}
    assert runs["tier_reason"].str.contains("no working C").all()
    assert runs["status"].notna().all()


@pytest.mark.parametrize(
    ("game", "method"),
    [
        (Arena(), "simultaneous-gradient"),
        (Arena(), "adam"),
        (Arena((2, 3, 2), zero_sum=False), "symplectic-gradient"),
        (Arena(), "competitive-gradient"),
        (Arena(), "lookahead-minmax"),
        (Arena(where="simplex"), "projected-extragradient"),
        (TinyGAN("float64"), "extragradient"),
    ],
    ids=str,
)
@pytest.mark.slow
def test_a_loop_makes_the_steps(game, method, tmp_path, monkeypatch):
    """Also over a turn's edge, from the middle, with a step's number in the draws, and with the sum of the iterates."""
    monkeypatch.setenv("SADDLEBENCH_COMPILED", str(tmp_path))
    step, now = stepping(game, build("optimizer", method), seeds_of(3))
    trace, total = traced(step, now), tuple(torch.zeros_like(x) for x in now.w)
    loop = looped(trace, loop_inputs(trace, now, total, 0), len(total))
    point, summed, expected = now, total, total
    for steps in (1, 123, 10):
        before = [x.clone() for x in leaves_of(point)]
        found = loop(loop_inputs(trace, point, summed, steps))
        assert all(torch.equal(a, b) for a, b in zip(before, leaves_of(point), strict=True))  # what was given is left alone
        point, summed = trace.point(point.step + steps, found[1 : 1 + len(trace.changed)], point), found[1 + len(trace.changed) :]
    eager = now
    for _ in range(134):
        eager = step(eager, Counts(len(now.w)))
        expected = [s + x for s, x in zip(expected, eager.w, strict=True)]
    assert point.step == eager.step
    for a, b in zip([*leaves_of(point), *summed], [*leaves_of(eager), *expected], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.slow
def test_a_compiled_run_is_the_eager_one_and_its_file_is_used_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_COMPILED", str(tmp_path))
    sweep = {"optimistic-gradient": {"step_size": {"sweep": [0.05, 0.1]}}}
    given = ("bilinear", sweep), {"seeds": 2, "steps": 300}
    eager = saddlebench.run(*given[0], **given[1])
    first = saddlebench.run(*given[0], **given[1], compile="on")
    assert set(first.runs["tier"]) == {"compiled"}
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.pt2")}
    assert len(files) == 1
    again = saddlebench.run(*given[0], **given[1], compile="on")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.pt2")} == files
    assert again.runs["compile_seconds"].max() < first.runs["compile_seconds"].min()
    for other in (first, again):
        for column in ("status", "steps", "gradients", "products"):
            assert list(other.runs[column]) == list(eager.runs[column])
        np.testing.assert_allclose(other.trace["value"], eager.trace["value"], rtol=1e-9, atol=1e-12)
        pd.testing.assert_series_equal(other.trace["step"], eager.trace["step"])


@pytest.mark.slow
def test_a_torn_file_is_compiled_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_COMPILED", str(tmp_path))
    given = {"seeds": 2, "steps": 20, "compile": "on"}
    saddlebench.run("bilinear", "simultaneous-gradient", **given)
    (file,) = tmp_path.glob("*.pt2")
    file.write_bytes(file.read_bytes()[:1000])
    size = file.stat().st_size
    assert set(saddlebench.run("bilinear", "simultaneous-gradient", **given).runs["tier"]) == {"compiled"}
    assert file.stat().st_size > size
