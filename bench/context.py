"""Where a cell is run: commit, dtype, device, machine, versions. A result's key is (cell, context)."""

import hashlib
import os
import platform
import socket
import subprocess
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from saddlebench._version import __version__
from saddlebench.errors import InputError
from saddlebench.results.identity import digest


@dataclass(frozen=True)
class Context:
    """The columns of a context; `key` is its hash."""

    commit: str
    dirty: str | None
    dtype: str
    device: str
    machine: str
    torch_version: str
    driver: str | None
    threads: int

    @property
    def key(self) -> str:
        """The context's hash."""
        return digest(asdict(self))


def context_of(dtype: str, device: torch.device) -> Context:
    """The context of this process."""
    commit, dirty = commit_of_sources()
    driver = _driver() if device.type == "cuda" else None
    row = machine_row()
    return Context(commit, dirty, dtype, _device_name(device), row["machine"], torch.__version__, driver, torch.get_num_threads())


def commit_of_sources() -> tuple[str, str | None]:
    """The commit and the hash of what is not committed, of the sources that are being run."""
    return _pinned or _commit()


_pinned: tuple[str, str | None] | None = None


def pin_commit(commit: tuple[str, str | None]) -> None:
    """Take another process's word: a worker runs the sources of who started it, and files may have changed since."""
    global _pinned
    _pinned = commit


def resolve_device(name: str) -> torch.device:
    """``auto``: a GPU where there is one, else the CPU.

    Raises:
        InputError: the device is not known or not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"device {name!r} is not there: {str(error).splitlines()[0]}") from error
    if device.type == "meta":
        raise InputError("device 'meta' holds no numbers: nothing can be run there")
    return device


def _device_name(device: torch.device) -> str:
    return f"cuda:{torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type


@lru_cache(maxsize=1)
def _commit() -> tuple[str, str | None]:
    """The checkout's commit and the hash of its uncommitted sources; outside a checkout the version."""
    folder = Path(__file__).resolve().parent
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() / folder.name != folder:
        return f"v{__version__}", None
    commit = _git(folder, "rev-parse", "HEAD") or "unborn"
    changed = (_git(folder, "diff", "--name-only", "--relative=", "HEAD") or "").splitlines()
    new = (
        _git(Path(top), "ls-files", "--others", "--exclude-standard", "games", "optimizers", "bench", "results") or ""
    ).splitlines()
    sources = sorted(p for p in {*changed, *new} if p.endswith((".py", ".toml")) and not p.startswith("tests/"))
    if not sources:
        return commit, None
    content = hashlib.sha256()
    for name in sources:
        path = Path(top) / name
        content.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b"") + b"\0")
    return commit, content.hexdigest()[:16]


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@lru_cache(maxsize=1)
def machine_row() -> dict[str, Any]:
    """This machine's row of the table `machines`."""
    row: dict[str, Any] = {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch_version": torch.__version__,
        "driver": _driver() if torch.cuda.is_available() else None,
    }
    return {"machine": digest(row), **row}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _driver() -> str | None:
    try:
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0].strip() if done.stdout else None
