"""The command line. A command imports what computes inside itself, so that `--help`, `list` and `show` answer at once."""

from saddlebench.bench.cli.app import main

__all__ = ["main"]
