"""A program that is killed goes on from its checkpoint as if nothing had been."""

import json
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import torch

from saddlebench.bench.build import build, build_all
from saddlebench.bench.cells import cross
from saddlebench.bench.checkpoints import Checkpoint, Checkpoints
from saddlebench.bench.program import run_program
from saddlebench.bench.settings import Settings
from saddlebench.bench.stacking import stack
from saddlebench.bench.tensor_files import TensorFileError, read
from saddlebench.games.data import available
from saddlebench.optimizers import OPTIMIZERS
from saddlebench.results.store import read as tables_of

RING = {"gaussian-ring": {"width": 8, "depth": 1, "batch": 32}}
DIGITS = {
    "mnist-dcgan": {"latent": 8, "generator_width": 2, "discriminator_width": 2, "batch": 8, "norm": "spectral", "metrics": "none"}
}
FAST = {"rule": {"adam": {"betas": [0.5, 0.9]}}, "step_size": 1e-3}
OPTIMIZERS_OF_NETWORKS = [
    {"adam": {"step_size": 1e-3}},
    "extra-adam",
    "optimistic-adam",
    {"lookahead-minmax": {"base": {"adam": {"step_size": 1e-3}}}},
    {"moving-average": {"base": {"alternating-gradient": {**FAST, "schedule": [1, 1, 0]}}, "decay": 0.9}},
]
# The commit is pinned: an edit of the sources while the test runs would make another context.
CHILD = """
import sys
from saddlebench.bench import context
context._commit = lambda: ("pinned", None)
from saddlebench.bench.cli import main
main(sys.argv[1:])
"""
CLOCKS = ["started_at", "seconds", "program_seconds", "peak_memory_bytes"]


def command(folder, game, optimizer, steps, minutes, seeds):
    texts = ["--game", json.dumps(game), "--optimizer", json.dumps({optimizer: {}} if isinstance(optimizer, str) else optimizer)]
    rest = ["--steps", str(steps), "--seeds", seeds, "--set", f"settings.checkpoint_minutes={minutes}", "--threads", "1"]
    return [sys.executable, "-c", CHILD, "run", *texts, *rest, "--out", str(folder)]


def killed_at(arguments, folder, step):
    """The step of the checkpoint that is there after a real kill, once it has come to ``step``."""
    deadline = time.monotonic() + 120
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and time.monotonic() < deadline:
            for path in folder.glob("checkpoints/*/state.safetensors"):
                if read(path).header["step"] >= step:
                    running.send_signal(signal.SIGKILL)
                    running.wait()
            time.sleep(0.01)
        running.kill()
    assert running.returncode == -signal.SIGKILL
    (path,) = folder.glob("checkpoints/*/state.safetensors")
    return read(path).header["step"]


def finish(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stderr


def same_tables(a, b):
    for table in ("runs", "trace", "spectrum"):
        frames = [getattr(tables_of(folder), table).drop(columns=CLOCKS, errors="ignore") for folder in (a, b)]
        keys = [k for k in ("cell", "step", "answer", "measure", "point", "operator", "index") if k in frames[0]]
        pd.testing.assert_frame_equal(*(f.sort_values(keys).reset_index(drop=True) for f in frames), check_exact=True)


def same_models(a, b):
    found = [sorted(p.relative_to(f) for p in f.glob("models/*/*.safetensors")) for f in (a, b)]
    assert found[0] == found[1]
    assert found[0]
    for name in found[0]:
        x, y = read(a / name), read(b / name)
        assert x.header == y.header
        assert x.tensors.keys() == y.tensors.keys()
        assert all(torch.equal(x.tensors[k], y.tensors[k]) for k in x.tensors)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS_OF_NETWORKS, ids=lambda o: o if isinstance(o, str) else next(iter(o)))
@pytest.mark.parametrize("game", [RING, DIGITS], ids=["ring", "digits"])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, game, optimizer):
    if game is DIGITS and not available("mnist"):
        pytest.skip("MNIST is not in the data cache")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(command(whole, game, optimizer, 200, 0, "0,5"))
    arguments = command(broken, game, optimizer, 200, 5e-4, "0,5")
    assert 100 <= killed_at(arguments, broken, 100) < 200
    assert not tables_of(broken).runs["cell"].size
    finish(arguments)
    same_tables(whole, broken)
    same_models(whole, broken)
    assert not (broken / "checkpoints").exists()


def program(cells, checkpoint=None, stop=None, keep=()):
    """The history of the cells, interrupted after ``stop`` steps, with its last checkpoint one before."""

    def tell(share):
        step = round(share * first.settings.steps)
        if checkpoint is not None:
            checkpoint.seconds = 1e-9 if step == (stop or 0) - 1 else 0
        if step == stop:
            raise KeyboardInterrupt

    first = cells[0].pairing
    seeds = torch.tensor([c.seed for c in cells])
    optimizer = stack([c.pairing.optimizer for c in cells], seeds.device)
    return run_program(first.game, optimizer, seeds, first.settings, torch.float64, keep, None, tell, checkpoint)


def group(optimizer, game="bilinear", steps=40, **settings):
    settings = Settings(steps=steps, checkpoint_minutes=0, **settings)
    return cross(build_all("game", game), build_all("optimizer", optimizer), [0, 1, 2], settings)


TINY_RING = {"gaussian-ring": {"width": 4, "depth": 1, "latent": 2, "batch": 6, "activation": "tanh"}}


def test_every_optimizer_s_state_comes_back(tmp_path):
    left = []
    for name in OPTIMIZERS:
        games = ["bilinear", "rock-paper-scissors", "quadratic", "iterated-prisoners-dilemma", TINY_RING]
        game = next((g for g in games if build("optimizer", name).applies_to(build("game", g)) is None), None)
        if game is None:
            left.append(name)
            continue
        cells = group(name, game, 12)
        whole = program(cells, keep=(5, -1))
        checkpoint = Checkpoints(tmp_path).of(cells, name)
        with pytest.raises(KeyboardInterrupt):
            program(cells, checkpoint, stop=8, keep=(5, -1))
        resumed = program(cells, Checkpoints(tmp_path).of(cells, name), keep=(5, -1))
        assert (resumed.steps, resumed.gradients, resumed.products) == (whole.steps, whole.gradients, whole.products), name
        for step in (5, 12):
            assert all(map(torch.equal, resumed.kept[step].w, whole.kept[step].w)), name
    assert left == []


def test_points_that_wait_to_be_measured_are_kept(tmp_path):
    cells = group({"extragradient": {"step_size": {"sweep": [0.1, 0.2]}}}, steps=3000, watched=300)
    whole = program(cells)
    for stop in (50, 1234, 2999):
        checkpoint = Checkpoints(tmp_path).of(cells, "context")
        with pytest.raises(KeyboardInterrupt):
            program(cells, checkpoint, stop)
    resumed = program(cells, Checkpoints(tmp_path).of(cells, "context"))
    assert resumed.measures.keys() == whole.measures.keys()
    for key, parts in whole.measures.items():
        together = [torch.cat([torch.from_numpy(p) for p in history]) for history in (parts, resumed.measures[key])]
        assert torch.equal(*together)


def damage(path, kind):
    if kind == "torn":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "text":
        path.write_text("no checkpoint")
    else:  # of another group, under this one's name
        other = Checkpoints(path.parents[2]).of(group("extragradient", steps=41), "context")
        with pytest.raises(KeyboardInterrupt):
            program(group("extragradient", steps=41), other, 20)
        path.write_bytes(other.path.read_bytes())


@pytest.mark.parametrize("kind", ["torn", "text", "foreign"])
def test_what_cannot_be_gone_on_from_is_reported_and_set_aside(tmp_path, caplog, kind):
    cells = group("extragradient")
    checkpoint = Checkpoints(tmp_path).of(cells, "context")
    with pytest.raises(KeyboardInterrupt):
        program(cells, checkpoint, 20)
    damage(checkpoint.path, kind)
    assert program(cells, checkpoint).steps == program(cells).steps
    assert "is set aside as state.safetensors.set-aside" in caplog.text
    assert "the run begins anew" in caplog.text
    checkpoint.remove()
    assert [p.name for p in checkpoint.path.parent.iterdir()] == ["state.safetensors.set-aside"]


def test_begun_anew_means_from_the_start(tmp_path):
    cells = group("extragradient")
    checkpoint = Checkpoints(tmp_path).of(cells, "context")
    with pytest.raises(KeyboardInterrupt):
        program(cells, checkpoint, 20)
    assert Checkpoints(tmp_path).of(cells, "context").load() is not None
    assert Checkpoints(tmp_path, resume=False).of(cells, "context").load() is None


def test_without_an_interval_nothing_is_written(tmp_path):
    cells = cross(build_all("game", "bilinear"), build_all("optimizer", "extragradient"), [0], Settings(checkpoint_minutes=0))
    program(cells, Checkpoints(tmp_path).of(cells, "context"))
    assert list(tmp_path.iterdir()) == []


def test_the_interval_is_no_part_of_a_cell():
    settings = [Settings(steps=10, checkpoint_minutes=m) for m in (0, 1, 5)]
    cells = [cross(build_all("game", "bilinear"), build_all("optimizer", "extragradient"), [0], s)[0].key for s in settings]
    assert len(set(cells)) == 1


def test_a_profile_of_another_size_is_not_taken(tmp_path):
    small, large = (group("extragradient", {"bilinear": {"matrix": m}}) for m in ([[1.0]], [[1.0, 0.0], [0.0, 1.0]]))
    checkpoint = Checkpoint(tmp_path / "x", {"cells": [], "context": ""}, 0)
    with pytest.raises(KeyboardInterrupt):
        program(small, checkpoint, 5)
    assert program(large, checkpoint).steps == program(large).steps
    with pytest.raises(TensorFileError):
        read(tmp_path / "state.safetensors.set-aside").tree("nothing")
