"""Faults planted in one optimizer are found, there and nowhere else; an unchanged night is silent."""

import dataclasses
import math

import pandas as pd
import pytest
import torch

from saddlebench.errors import InputError
from saddlebench.results.regression.golden import golden_rows

BROKEN, WHOLE = "extragradient", "optimistic-gradient"


def with_step_size(factor):
    return lambda step: lambda self, *rest: step(dataclasses.replace(self, step_size=factor * self.step_size), *rest)


def kinds(found, optimizer=BROKEN):
    return {f.kind for f in found.faults if f.optimizer == optimizer} | {p.kind for p in found.worse if p.optimizer == optimizer}


def test_the_same_commit_run_twice_is_silent(night, played, judged):
    found = judged(night, played())
    assert (found.moved, found.faults, found.pools, found.regressed) == (0, [], [], False)
    assert found.joined == len(night.runs) == 32


def test_a_step_of_four_fifths_costs_more(night, played, judged, fault):
    fault(BROKEN, with_step_size(0.8))
    found = judged(night, played())
    assert kinds(found) == {"cost", "success"}  # it comes to 10⁻⁶ of the start in 323 steps, and in 495 where there are 400
    assert not kinds(found, WHOLE)
    pool = next(p for p in found.worse if p.kind == "cost")
    assert pool.pairs == 16
    before, after = (math.log(abs(1 - (3 * step) ** 2 + 3j * step)) for step in (0.1, 0.08))  # the distance's factor a step
    assert pool.ratio == pytest.approx(before / after, rel=0.05)  # checkpoints are 16 % apart
    assert pool.low <= pool.ratio <= pool.high
    assert pool.p == pytest.approx(2.0**-16)
    assert found.moved == 16


def test_a_larger_step_that_is_better_is_no_finding(night, played, judged, fault):
    fault(BROKEN, with_step_size(1.25))
    found = judged(night, played())
    assert found.moved == 16
    assert not found.regressed


def test_a_wrong_sign_loses_successes(night, played, judged, fault):
    # In the half-step alone: with both signs wrong, extragradient converges on a bilinear game as well.
    fault(BROKEN, lambda step: lambda self, *rest: step(dataclasses.replace(self, extrapolation_step=-self.step_size), *rest))
    found = judged(night, played())
    assert {"cost", "success"} <= kinds(found)
    assert not kinds(found, WHOLE)
    cost, lost = (next(p for p in found.worse if p.kind == kind) for kind in ("cost", "success"))
    assert cost.ratio == math.inf
    assert lost.detail == "16 → 0 of 16 succeed"


def test_a_value_that_is_no_number(night, played, judged, fault):
    def change(step):
        def broken(self, oracle, w, state):
            w, state = step(self, oracle, w, state)
            return (w[0] / torch.where(w[0].abs() > 1e-2, 1.0, 0.0) * 1.0, *w[1:]), state  # 0/0 and ∞ near rest

        return broken

    fault(BROKEN, change)
    found = judged(night, played())
    assert "nan" in kinds(found)
    assert not kinds(found, WHOLE)


def test_an_error(night, played, judged, fault):
    def change(step):
        def broken(self, oracle, w, state):
            raise ValueError("broken on purpose")

        return broken

    fault(BROKEN, change)
    found = judged(night, played())
    (error,) = [f for f in found.faults if f.kind == "error"]
    assert (error.optimizer, error.cells) == (BROKEN, 16)
    assert "broken on purpose" in error.detail


def test_a_missing_cell(night, judged):
    rest = dataclasses.replace(night, runs=night.runs.drop(index=night.runs.index[3]))
    found = judged(night, rest)
    assert [(f.kind, f.cells, f.detail) for f in found.faults] == [("missing", 1, "not in the new results")]
    assert not judged(rest, night).regressed  # what is new is none
    assert "1 cells are only in the new results" in judged(rest, night).notes


def test_a_changed_default_is_told_as_cells_in_place_of_others(night, played, judged):
    new = played(optimizers=[{BROKEN: {"step_size": 0.09}}, WHOLE])
    (missing,) = judged(night, new).faults
    assert (missing.kind, missing.optimizer, missing.cells) == ("missing", BROKEN, 16)
    assert "in their place 16 with other optimizer_parameters" in missing.detail


def test_another_extractor(night, judged, spoil):
    known = spoil(night, "runs", night.runs.index, extractor="aaaa")
    (found,) = judged(known, spoil(known, "runs", known.runs.index[:1], extractor="bbbb")).faults
    assert (found.kind, found.detail) == ("extractor", "features by bbbb, not aaaa")


def test_a_changed_golden_value(night, judged):
    golden = golden_rows(night)
    assert not judged(night, night, golden).regressed
    row = golden.index[(golden["quantity"] == "distance") & (golden["step"] == 2)][0]
    golden.loc[row, "value"] *= 1 + 1e-6
    (found,) = judged(night, night, golden).faults
    assert (found.kind, found.cells) == ("golden", 1)
    assert found.detail.startswith("distance at step 2: ")


def test_rounding_moves_nothing_and_a_changed_digit_does(night, judged, spoil):
    values = night.trace["value"]
    rounding = spoil(night, "trace", night.trace.index, value=values * (1 + 1e-12))
    assert judged(night, rounding).moved == 0
    row = night.trace.index[values > 0.1][5]
    assert judged(night, spoil(night, "trace", row, value=values[row] * (1 + 1e-6))).moved == 1


def test_a_gradient_more_a_step_moves_a_cell_whose_values_are_the_same(night, judged, spoil):
    rows = night.trace["cell"] == night.trace["cell"].iloc[0]
    assert judged(night, spoil(night, "trace", rows, gradients=night.trace.loc[rows, "gradients"] * 1.5)).moved == 1


def test_results_without_a_common_cell(night, played, judged):
    with pytest.raises(InputError, match="no cell is in both"):
        judged(night, played(seeds=[77]))


def test_of_several_contexts_the_newest_counts(night, judged, spoil):
    older = spoil(night, "runs", night.runs.index, context="old", started_at=night.runs["started_at"] - pd.Timedelta(days=1))
    older = spoil(older, "trace", night.trace.index, context="old", value=1.0)
    both = dataclasses.replace(
        night,
        runs=pd.concat([older.runs, night.runs], ignore_index=True),
        trace=pd.concat([older.trace, night.trace], ignore_index=True),
    )
    assert judged(night, both).moved == 0
