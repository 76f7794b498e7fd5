"""A Ray cluster: the same tables, also when a node is lost half-way. `make test-ray` installs Ray and runs what needs it."""

import sys
import threading
import time
from contextlib import contextmanager

import pytest

from saddlebench.bench.api import place_of, run_into
from saddlebench.bench.build import build_all
from saddlebench.bench.cells import cross
from saddlebench.bench.context import commit_of_sources
from saddlebench.bench.settings import Settings
from saddlebench.bench.suites.load import find
from saddlebench.bench.workers import cluster
from saddlebench.bench.workers.crew import Crew
from saddlebench.bench.workers.jobs import Setup
from saddlebench.bench.workers.parcel import packed
from saddlebench.errors import InputError
from saddlebench.results.store import Store, read

RING = {"gaussian-ring": {"width": 4, "depth": 1, "batch": 8}}


@pytest.fixture(autouse=True)
def _pinned():
    """In place of the folder's: nodes look at the sources themselves."""


def test_without_ray_it_says_what_to_install(swept, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r'the executor ray needs Ray: pip install "saddlebench\[ray\]"'):
        swept(executor="ray")


def test_a_node_of_other_sources_is_refused():
    setup = Setup(None, ("0123456789abcdef", "fedcba"), "cpu")
    with pytest.raises(
        InputError, match=r"a node of the cluster has other sources .* there, 0123456789ab with changes fedcba here"
    ):
        cluster.run_here(setup, b"")


@pytest.mark.parametrize("seen", [True, False], ids=["shared disk", "disk of its own"])
def test_pictures_and_models_come_to_the_directory_of_results(tmp_path, seen):
    cells = cross(build_all("game", RING), build_all("optimizer", "adam"), [0], Settings.of(steps=5))
    with Store(tmp_path / "out") as store:
        marked = int((store.path / "saddlebench-results.json").stat().st_mtime)
        setup = Setup(store.path, commit_of_sources(), "cpu", marked=marked if seen else marked - 1)
        try:
            ended = cluster.run_here(setup, packed(cells))
        finally:
            assert cluster._worker is not None
            cluster._worker.kill()
        here = {path.suffix for path in store.path.rglob("*") if path.is_file()}
        assert here == ({".json", ".png", ".safetensors"} if seen else {".json"})
        assert {name.split("/")[0] for name in ended.files} == (set() if seen else {"samples", "models"})
        assert [path.relative_to(store.path).parts[0] for path in ended.pictures] == ["samples"]
        assert len(ended.appends) == 1


@contextmanager
def two_nodes(cpus):
    """A Ray cluster of two nodes besides its head, on this machine; gives it and how to lose one of them."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: make test-ray")
    from ray.cluster_utils import Cluster  # pyright: ignore[reportMissingImports] - an extra

    whole = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [whole.add_node(num_cpus=cpus) for _ in range(2)]
    ray.init(address=whole.address, log_to_driver=False)
    try:
        yield lambda: whole.remove_node(nodes[1], allow_graceful=False)
    finally:
        ray.shutdown()
        whole.shutdown()


def lost_half_way(folder, cells, cpus=1):
    """Run the cells on two nodes, one of which is killed once half of the groups are in the store; how many were then."""
    then = []

    def strike(lose, store):
        while len(done := store.keys()) < len(cells) / 2:
            time.sleep(0.05)
        lose()
        then.append(len(done))

    with two_nodes(cpus) as lose, Store(folder) as store:
        killer = threading.Thread(target=strike, args=(lose, store))
        killer.start()
        run_into(store, cells, place_of("cpu"), crew=Crew(executor="ray"))
        killer.join()
    return then[0]


def one_thread(folder, cells):
    from dataclasses import replace

    with Store(folder) as store:
        run_into(store, cells, replace(place_of("cpu"), threads=1))
    return read(folder)


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_a_node_that_is_lost_half_way_costs_nothing(tmp_path, alike):
    games = build_all("game", ["bilinear", {"bilinear": {"matrix": [[2.0]]}}, "quadratic", RING])
    optimizers = build_all("optimizer", ["extragradient", "adam", "multiplicative-weights"])
    cells = cross(games, optimizers, [0, 1], Settings.of(steps=300, timing=True))
    assert len(cells) / 2 <= lost_half_way(tmp_path / "ray", cells) < len(cells)
    alike(one_thread(tmp_path / "here", cells), read(tmp_path / "ray"))


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_errors_and_bad_input_are_those_of_processes(tmp_path, swept, method):
    with two_nodes(1):
        runs = swept(optimizers=[method("if oracle.step == 3: os._exit(3)"), "extragradient"], seeds=1, executor="ray").runs
        assert dict(zip(runs["optimizer"], runs["status"], strict=True)) == {"mine": "error", "extragradient": "budget"}
        assert runs["reason"][0] == "LostWorker: its worker ended by itself with exit code 3, 2 times"
        with pytest.raises(InputError, match=r"a group takes 0\.5 GPUs and the cluster has 0"):
            swept(executor="ray", gpus=0.5)
        with pytest.raises(InputError, match="that is wrong"):
            swept(optimizers=method("from saddlebench.errors import InputError; raise InputError('that is wrong')"), executor="ray")


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_quick_suite_loses_a_node_half_way(tmp_path, alike):
    cells = find("quick").cells()
    then = lost_half_way(tmp_path / "ray", cells)
    assert len(cells) / 2 <= then < len(cells)
    print(f"{len(cells)} cells, a node killed after {then}")
    alike(one_thread(tmp_path / "here", cells), read(tmp_path / "ray"))
