"""Whatever makes the steps, the numbers are the same; what cannot be traced says why and steps eagerly."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

import saddlebench
from saddlebench.bench.build import build
from saddlebench.bench.compiling.tiers import chosen
from saddlebench.bench.compiling.tracing import UntraceableError, leaves_of, replays, traced
from saddlebench.bench.contracts.arenas import TinyGAN
from saddlebench.bench.contracts.playing import seeds_of, stepping
from saddlebench.bench.oracle import Counts
from saddlebench.bench.program import run_program
from saddlebench.bench.settings import Settings
from saddlebench.optimizers.optimizer import Optimizer


@dataclasses.dataclass(frozen=True)
class Plain(Optimizer):
    """A gradient step, of which tests change something."""

    name = "plain"

    def step(self, oracle, w, state):
        return tuple(x - 0.1 * v for x, v in zip(w, oracle.field(w), strict=True)), state


class Branching(Plain):
    def step(self, oracle, w, state):
        return super().step(oracle, w, state) if w[0].abs().sum() > 1e-9 else (w, state)


class Remembering(Plain):
    calls = 0

    def step(self, oracle, w, state):
        type(self).calls += 1
        return (w, state) if type(self).calls % 3 == 0 else super().step(oracle, w, state)


class Drawing(Plain):
    def step(self, oracle, w, state):
        w, state = super().step(oracle, w, state)
        return tuple(x + 0 * torch.randn_like(x) for x in w), state


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [(Branching(), "cannot be traced"), (Remembering(), "another step"), (Drawing(), "torch's own generator")],
)
def test_a_step_that_is_no_graph_is_made_eagerly_and_says_why(optimizer, reason):
    tier = chosen("trace", *stepping(build("game", "bilinear"), optimizer, seeds_of(3)), steps=1000)
    assert tier.name == "eager"
    assert reason in (tier.reason or "")


def test_tensors_that_begin_as_one_are_told_apart():
    """Adam's β₁ᵗ and β₂ᵗ are the same ones at the start."""
    step, now = stepping(build("game", "bilinear"), build("optimizer", "adam"), seeds_of(3))
    trace = traced(step, now)
    assert replays(trace, step, now) is None
    assert len(trace.changed) == len(leaves_of(now))


def test_a_trace_asks_what_the_step_asks():
    step, now = stepping(build("game", "bilinear"), build("optimizer", "symplectic-gradient"), seeds_of(3))
    trace, counts, told = traced(step, now), Counts(2), Counts(2)
    step(now, counts)
    trace.count(told, 1)
    assert told == counts


def test_samples_and_buffers_are_new_at_every_step():
    """Twenty steps of a stochastic game whose buffers move: a draw or a buffer that stood still would show at once."""
    step, now = stepping(TinyGAN(), build("optimizer", "extragradient"), seeds_of(3))
    trace, tensors, eager = traced(step, now), None, now
    tensors = trace.tensors(now)
    for k in range(20):
        eager = step(eager, Counts(2))
        tensors = trace.replay(torch.tensor(k), *tensors, *trace.fixed)
    for a, b in zip(leaves_of(trace.point(20, tensors, now)), leaves_of(eager), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


SAME = ["status", "steps", "gradients", "products", "final_distance", "final_average_distance", "final_field_norm", "measured_rate"]


def both(*arguments, mode="trace", **settings):
    tables = [saddlebench.run(*arguments, compile=way, **settings) for way in ("off", mode)]
    return [table.runs for table in tables], [table.trace for table in tables]


def test_tables_are_those_of_eager_steps():
    sweep = {"optimistic-gradient": {"step_size": {"sweep": [0.05, 0.1]}}}
    (eager, other), traces = both({"bilinear": {"shape": [3, 3]}}, [sweep, "adam", "lookahead-minmax"], seeds=3, steps=300)
    assert set(other["tier"]) == {"traced"}
    assert (other["compile_seconds"] > 0).all()
    assert other["tier_reason"].isna().all()
    assert set(eager["tier"]) == {"eager"}
    assert (eager["compile_seconds"] == 0).all()
    pd.testing.assert_frame_equal(eager[SAME], other[SAME])
    columns = ["cell", "step", "gradients", "products", "answer", "measure", "value"]
    pd.testing.assert_frame_equal(traces[0][columns], traces[1][columns])


def test_budgets_in_cost_end_at_the_same_step():
    (eager, other), _ = both("bilinear", "consensus", seeds=2, cost=100.0)
    assert set(other["tier"]) == {"traced"}
    pd.testing.assert_frame_equal(eager[SAME], other[SAME])


def test_auto_does_not_trace_few_steps_and_says_so():
    runs = saddlebench.run("bilinear", "extragradient", seeds=1, steps=100, compile="auto").runs
    assert set(runs["tier"]) == {"eager"}
    assert runs["tier_reason"].str.startswith("auto:").all()
    assert set(saddlebench.run("bilinear", "extragradient", seeds=1, steps=1000, compile="auto").runs["tier"]) == {"traced"}


def test_the_spectrum_is_that_of_the_eager_step():
    """A traced step has no graph of its own derivative; spectra are taken from the step as written, whatever made the steps."""
    (eager, other), _ = both("bilinear", "extragradient", seeds=1, steps=50, spectrum=["equilibrium", "final"])
    pd.testing.assert_frame_equal(eager[["spectral_radius", "predicted_radius"]], other[["spectral_radius", "predicted_radius"]])
    assert other["spectral_radius"].notna().all()


def test_a_step_size_a_run_is_no_constant_of_the_graph():
    with pytest.raises(UntraceableError):
        traced(*stepping(build("game", "bilinear"), Branching(), seeds_of(3)))
    sweep = {"simultaneous-gradient": {"step_size": {"sweep": [0.01, 0.02, 0.4]}}}
    (eager, other), _ = both("bilinear", sweep, seeds=2, steps=60)
    np.testing.assert_array_equal(eager["final_distance"], other["final_distance"])
    assert eager["final_distance"].nunique() == 6


def test_where_every_run_is_alone_the_clock_is_of_steps_alone():
    game, optimizer = build("game", "bilinear"), build("optimizer", "adam")
    settings = Settings.of(steps=40, timing=True, compile="trace")
    history = run_program(game, optimizer, torch.tensor([0]), settings, torch.float64)
    assert history.tier == "traced"
    assert history.seconds[0] == 0
    assert 0 < history.seconds[-1] < history.compile_seconds
