"""Runs a suite that gets killed: a process that has run it once, undisturbed, and then forks a child for each line of its input.

A line is a directory of results. The child's process id is printed, then, when it is gone, its exit status.
"""

import os
import sys
import time
from pathlib import Path

import torch

from saddlebench.bench import context
from saddlebench.bench.api import place_of, run_into
from saddlebench.bench.suites.load import load
from saddlebench.results.store import Store


def fill(suite: Path, folder: str) -> None:
    """Run what the directory lacks."""
    torch.set_num_threads(1)
    with Store(folder) as store:
        run_into(store, load(suite).cells(), place_of("cpu"))


def main(suite: str, folder: str) -> None:
    """Run it once into a folder, then serve lines until the input ends."""
    context._commit = lambda: ("pinned", None)
    fill(Path(suite), f"{folder}-0")  # imports what is imported late
    began = time.monotonic()
    fill(Path(suite), f"{folder}-1")
    print(time.monotonic() - began, flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            fill(Path(suite), line.strip())
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
