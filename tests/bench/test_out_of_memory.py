"""A device that runs out of memory: the run axis is halved until it fits, and no number changes."""

import logging

import pandas as pd
import pytest
import torch

import saddlebench
from saddlebench.bench import runner

MESSAGES = {
    "a GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "torch on a CPU": RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
    "numpy": MemoryError("Unable to allocate 3.7 TiB"),
}
ASKED = {"games": "bilinear", "optimizers": {"extragradient": {"step_size": {"sweep": [0.05, 0.1]}}}, "seeds": 50, "steps": 60}


@pytest.fixture
def small_memory(monkeypatch):
    """`small_memory(error, most)`: programs of more than ``most`` runs fail; gives the sizes of those that did not."""
    true, sizes = runner.run_program, []

    def limit(error, most):
        def run_program(game, optimizer, seeds, *rest):
            if len(seeds) > most:
                raise error
            sizes.append(len(seeds))
            return true(game, optimizer, seeds, *rest)

        monkeypatch.setattr(runner, "run_program", run_program)
        return sizes

    return limit


@pytest.mark.parametrize("error", MESSAGES.values(), ids=MESSAGES)
def test_the_run_axis_is_halved_and_the_run_goes_on(small_memory, caplog, error):
    whole = saddlebench.run(**ASKED, device="cpu")
    sizes = small_memory(error, 30)
    with caplog.at_level(logging.WARNING):
        halved = saddlebench.run(**ASKED, device="cpu")
    assert sizes == [25, 25, 25, 25]
    assert caplog.messages == [
        f"extragradient on bilinear: out of memory with {n} runs together; they go on in halves" for n in (100, 50, 50)
    ]
    assert list(halved.runs["cell"]) == list(whole.runs["cell"])
    assert set(halved.runs["runs_in_program"]) == {25}
    keys = ["cell", "step", "answer", "measure"]
    one, other = (r.trace.sort_values(keys).reset_index(drop=True)[[*keys, "value"]] for r in (whole, halved))
    pd.testing.assert_frame_equal(one, other, rtol=1e-10)


def test_a_single_run_that_does_not_fit_is_an_error_and_the_others_are_not(small_memory, monkeypatch):
    small_memory(MESSAGES["a GPU"], 0)
    failed = saddlebench.run("bilinear", "extragradient", seeds=3, steps=5, device="cpu").runs
    assert list(failed["status"]) == ["error"] * 3
    assert failed["reason"].str.startswith("OutOfMemoryError: CUDA out of memory").all()


def test_what_failed_is_let_go_of_before_the_halves_begin(monkeypatch):
    true, alive = runner.run_program, []

    class Held:
        def __init__(self):
            alive.append(self)

        def __del__(self):
            alive.append("gone")

    def run_program(game, optimizer, seeds, *rest):
        if len(seeds) > 1:
            held = Held()
            alive.remove(held)
            raise torch.OutOfMemoryError("CUDA out of memory")
        assert alive == ["gone"]
        return true(game, optimizer, seeds, *rest)

    monkeypatch.setattr(runner, "run_program", run_program)
    assert set(saddlebench.run("bilinear", "extragradient", seeds=2, steps=5, device="cpu").runs["status"]) == {"budget"}
