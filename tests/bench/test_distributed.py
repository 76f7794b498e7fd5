"""Two processes with half the batch each are one with the whole."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from saddlebench.bench.build import build
from saddlebench.bench.program import run_program
from saddlebench.bench.settings import Settings
from saddlebench.bench.tensor_files import TensorFileError, read
from saddlebench.games.data import available
from saddlebench.results.store import read as tables_of

DCGAN = {"latent": 4, "generator_width": 2, "discriminator_width": 2, "batch": 6, "generator_norm": "none", "metrics": "none"}
NORMED = {**DCGAN, "generator_norm": "batch", "norm": "batch", "initialisation": "xavier"}
TINY = {"side": 16, "latent": 6, "generator_width": 2, "discriminator_width": 2, "shared": 3, "batch": 8, "metrics": "none"}
DCGAN |= {"initialisation": "xavier", "norm": "none", "gradient_penalty": 1.0, "flip": True}
GAMES = {
    "ring": {"gaussian-ring": {"width": 6, "depth": 1, "batch": 32, "activation": "tanh"}},
    "digits": {"mnist-dcgan": DCGAN},
    "batch-normed": {"mnist-dcgan": NORMED},
    "biggan": {"biggan": TINY},
    "spectral": {"mnist-dcgan": DCGAN | {"norm": "spectral", "gradient_penalty": 0.0, "micro_batches": 3}},
}
METHODS = [
    {"adam": {"step_size": 1e-2}},
    {"extra-adam": {"step_size": 1e-2}},
    {"consensus": {"step_size": 1e-4}},
    {"symplectic-gradient": {"step_size": 1e-2}},
    {"competitive-gradient": {"step_size": 1e-2}},
    {"alternating-gradient": {"step_size": 1e-2, "schedule": [1, 1, 0]}},
]
STEPS = 6


def trained(game, method, ranks=None):
    """The profile after a few steps, in float64."""
    played, optimizer = build("game", game), build("optimizer", method)
    settings = Settings(steps=STEPS, checkpoints=(0, STEPS))
    history = run_program(played, optimizer, torch.tensor([3]), settings, torch.float64, (-1,), ranks=ranks)
    return history.kept[STEPS].w


LOGAN = {"logan": {"base": {"alternating-gradient": {"step_size": 1e-2, "schedule": [1, 0]}}}}
OWN = {"batch-normed": METHODS[:3], "biggan": [METHODS[5], LOGAN, METHODS[2]]}  # consensus and LOGAN: derivatives of second order


def measured(ranks=None):
    """The image measures of two profiles, by name."""
    game = build("game", {"biggan": TINY | {"metrics": "n_fake=31&n_real=60"}})
    optimizer = build("optimizer", {"moving-average": {"decay": 0.5, "base": {"adam": {"step_size": 1e-2}}}})
    history = run_program(game, optimizer, torch.tensor([3]), Settings(steps=2, checkpoints=(2,)), torch.float64, ranks=ranks)
    return {f"{answer} {name}": parts[-1].item() for (answer, name), parts in history.measures.items()}


def cases():
    for name, game in GAMES.items():
        if name == "ring" or available("cifar10" if name == "biggan" else "mnist"):
            for method in METHODS if name == "ring" else OWN.get(name, METHODS[:4]):
                yield f"{name} {next(iter(method))}", game, method


def main(folder):
    """What each of the two processes does."""
    import torch.distributed as dist
    from safetensors.torch import save_file

    from saddlebench.bench.distributed import UndividedError, joined

    torch.set_num_threads(1)
    ranks = joined()
    assert ranks is not None
    found = {f"{label} {i}": x for label, game, method in cases() for i, x in enumerate(trained(game, method, ranks))}
    save_file(found, Path(folder) / f"rank{ranks.rank}.safetensors")
    own, _ = trained({"mnist-dcgan": NORMED | {"cross_replica": False}}, METHODS[0], ranks) if available("mnist") else (None, None)
    if own is not None:
        save_file({"own moments": own}, Path(folder) / f"own{ranks.rank}.safetensors")
    if available("cifar10"):
        (Path(folder) / f"measured{ranks.rank}.json").write_text(json.dumps(measured(ranks)))
    refused = {}
    for game, method in ((GAMES["ring"], "unrolled"), ("bilinear", "extragradient")):
        try:
            trained(game, method, ranks)
        except UndividedError as error:
            refused[str(method)] = str(error)
    (Path(folder) / f"rank{ranks.rank}.json").write_text(json.dumps(refused))
    dist.destroy_process_group()


def torchrun(*arguments, folder, options=(), **settings):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *options]
    command = [*launcher, *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **settings
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Where both processes left what they came to."""
    folder = tmp_path_factory.mktemp("pair")
    with torchrun(__file__, folder, folder=folder) as running:
        said, _ = running.communicate(timeout=300)
    assert running.returncode == 0, said
    return folder


def test_half_the_batch_each_is_the_whole_batch(pair):
    both = [load_file(pair / f"rank{r}.safetensors") for r in (0, 1)]
    assert both[0].keys() == both[1].keys()
    for label, game, method in cases():
        alone = trained(game, method)
        start = build("game", game).initial(torch.tensor([3]))
        tolerance = 1e-6 if "batch-normed" in label else 1e-7  # a bias before batch norm does nothing: Adam steps by its rounding
        for i, x in enumerate(alone):
            shared = both[0][f"{label} {i}"]
            assert torch.equal(shared, both[1][f"{label} {i}"]), label
            moved = (x - start[i].double()).norm()
            assert moved > 1e-5, label
            assert (shared - x).norm() < tolerance * moved, label
    if not available("mnist"):
        pytest.skip("the ring alone was compared: MNIST is not in the data cache")


def test_without_the_switch_each_process_has_moments_of_its_own(pair):
    if not available("mnist"):
        pytest.skip("MNIST is not in the data cache")
    own, other = (load_file(pair / f"own{r}.safetensors")["own moments"] for r in (0, 1))
    assert torch.equal(own, other)
    spanned = load_file(pair / "rank0.safetensors")["batch-normed adam 0"]
    assert (own - spanned).norm() > 1e-3 * spanned.norm()


def test_all_processes_generate_and_look_at_the_images_that_the_first_one_judges(pair):
    if not available("cifar10"):
        pytest.skip("CIFAR-10 is not in the data cache")
    first, second = (json.loads((pair / f"measured{r}.json").read_text()) for r in (0, 1))
    assert second == {}
    alone = measured()
    assert first.keys() == alone.keys()
    assert {"last fd_lite0_pca64", "average kid_lite0", "average precision"} <= first.keys()
    for name, value in alone.items():
        assert first[name] == pytest.approx(value, rel=1e-3, abs=1e-6), name


def test_what_cannot_be_divided_is_refused_with_a_reason(pair):
    for r in (0, 1):
        refused = json.loads((pair / f"rank{r}.json").read_text())
        assert "differentiates through" in refused["unrolled"]
        assert "no sample" in refused["extragradient"]


RUN = ["-m", "saddlebench", "run", "--game", json.dumps(GAMES["ring"]), "--device", "cpu", "--threads", "1", "--seeds", "1"]


@pytest.mark.slow
def test_the_command_runs_under_torchrun_and_the_first_process_writes(tmp_path):
    asked = [*RUN, "--optimizer", "adam", "--optimizer", "unrolled", "--steps", "5", "--out", "here"]
    with torchrun(*asked, folder=tmp_path) as running:
        said, _ = running.communicate(timeout=200)
    assert running.returncode == 0, said
    runs = tables_of(tmp_path / "here").runs.set_index("optimizer")
    assert runs["status"].to_dict() == {"adam": "completed", "unrolled": "not_applicable"}
    assert set(runs["device"]) == {"cpu ×2"}
    assert said.count("written:") == 1


def checkpointed(running, folder, least):
    """Waits for a checkpoint that has made so many steps, and returns its step."""
    deadline, step = time.monotonic() + 300, 0
    while step < least and running.poll() is None and time.monotonic() < deadline:
        for path in folder.glob("checkpoints/*/*.safetensors"):
            try:
                step = read(path).header["step"]
            except (OSError, TypeError, TensorFileError):
                continue
        time.sleep(0.05)
    assert step >= least
    return step


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_with_restarts_a_lost_process_costs_what_was_done_since_the_last_checkpoint(tmp_path, rank):
    asked = [*RUN, "--optimizer", "adam", "--steps", "1500", "--set", "settings.checkpoint_minutes=0.002"]
    with torchrun(*asked, "--out", "whole", folder=tmp_path) as running:
        said, _ = running.communicate(timeout=300)
    assert running.returncode == 0, said
    options = ("--max-restarts", "2")
    with torchrun(*asked, "--out", "lost", folder=tmp_path, options=options, start_new_session=True) as running:
        checkpointed(running, tmp_path / "lost", 50)
        lost = [p for p in children(running.pid) if f"RANK={rank}" in environment_of(p)]
        os.kill(lost[0], signal.SIGKILL)
        said, _ = running.communicate(timeout=400)
    assert running.returncode == 0, said
    whole, after = (tables_of(tmp_path / name) for name in ("whole", "lost"))
    assert after.runs["status"].tolist() == ["completed"]
    assert after.runs["final_measures"].tolist() == whole.runs["final_measures"].tolist()  # as if nothing had happened
    assert after.trace["value"].tolist() == whole.trace["value"].tolist()


@pytest.mark.slow
def test_a_lost_process_ends_the_run_and_the_same_command_goes_on(tmp_path):
    asked = [*RUN, "--optimizer", "adam", "--steps", "4000", "--out", "here", "--set", "settings.checkpoint_minutes=0.002"]
    with torchrun(*asked, folder=tmp_path, start_new_session=True) as running:
        step = checkpointed(running, tmp_path / "here", 50)
        follower = [p for p in children(running.pid) if "RANK=1" in environment_of(p)]
        os.kill(follower[0], signal.SIGKILL)
        said, _ = running.communicate(timeout=100)
    assert running.returncode == 1
    assert "another process of this run is gone" in said or "SIGKILL" in said
    (path,) = (tmp_path / "here").glob("checkpoints/*/*.safetensors")
    assert read(path).header["step"] >= step
    with torchrun(*asked, folder=tmp_path) as running:
        said, _ = running.communicate(timeout=200)
    assert running.returncode == 0, said
    assert tables_of(tmp_path / "here").runs["steps"].tolist() == [4000]
    assert not (tmp_path / "here" / "checkpoints").exists()


def children(pid):
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def environment_of(pid):
    return Path(f"/proc/{pid}/environ").read_text().split("\0")


if __name__ == "__main__":
    main(sys.argv[1])
