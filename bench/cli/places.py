"""Where results lie when no directory is named."""

import os
from pathlib import Path

DEFAULT_HELP = "$SADDLEBENCH_RESULTS/NAME; else results/runs/NAME of the checkout, or NAME in the user's data directory"


def results_root() -> Path:
    """``$SADDLEBENCH_RESULTS``; else a checkout's ``results/runs``; else the user's data directory: never the current directory.

    So that the same command goes on with the same results wherever it is started.
    """
    named = os.environ.get("SADDLEBENCH_RESULTS")
    if named:
        return Path(named).expanduser().absolute()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "results").is_dir():
        return checkout / "results" / "runs"
    from platformdirs import user_data_path

    return user_data_path("saddlebench") / "runs"


def find_results(path: str) -> Path:
    """A directory of results by its path, or by its name under `results_root`."""
    given = Path(path).expanduser()
    if not given.exists() and given.name == path and (named := results_root() / path).exists():
        return named
    return given.absolute()
